import { lastBox } from '../answers/boxed.ts';
import { lastNumber } from '../numbers/last-number.ts';
import { equal, type Rational, spell } from '../numbers/rational.ts';
import { readNumber } from '../numbers/read-number.ts';
import { correct, type Verifier, wrong } from './verifier.ts';

/** How GSM8K ends a solution: `#### 42`. */
const finalLine = '####';

/** Numbers are equal if their exact values are: `0.50` is `1/2`, `1,000` is `1000.0`. */
export const numberVerifier: Verifier<Rational, Rational> = {
  expects: 'one number such as 42, -3.5, 1,234, 1/2, \\frac{1}{2} or a solution that ends with #### 42',
  parseGold: (text) => readNumber(lastBox(text) ?? behindFinalLine(text) ?? text, undefined),
  find: (text) => lastBox(text) ?? behindFinalLine(text) ?? lastNumber(text),
  read: readNumber,
  grade: (gold, value) => (equal(gold, value) ? correct : wrong),
  spell,
  spellGold: spell,
};

function behindFinalLine(text: string): string | undefined {
  const start = text.lastIndexOf(finalLine);
  if (start < 0) return undefined;
  const line =
    text
      .slice(start + finalLine.length)
      .split('\n', 1)[0]
      ?.trim() ?? '';
  // Elsewhere it marks a heading, as in `#### Step 3`.
  return /^[^\p{L}]*\p{Nd}/u.test(line) ? line : undefined;
}
