import { lastBox } from '../answers/boxed.ts';
import { type Equality, equalMaths } from '../maths/equal-maths.ts';
import { labelOf } from '../maths/label.ts';
import { lastFormula } from '../maths/last-formula.ts';
import type { Maths } from '../maths/maths.ts';
import { readMaths } from '../maths/read-maths.ts';
import { spellMaths } from '../maths/spell-maths.ts';
import { lastNumber } from '../numbers/last-number.ts';
import { abstain, correct, type Verifier, wrong } from './verifier.ts';

/** `Yes` is both, a word and the product of three variables; at least one of both is there. */
interface Gold {
  readonly maths: Maths | undefined;
  readonly label: string | undefined;
}

interface Read {
  readonly equality: Equality;
  /** That of the gold answer where both are equal. */
  readonly spelling: string;
}

/**
 * A mathematical answer in LaTeX or as it is typed: a number, a formula, an interval, a set, a tuple, a matrix, an equation or inequality. It is right in every
 * form that is equal, but a number has to be worked out. Where two formulas cannot be told apart by their values it abstains. Data sets of mathematics have a few words
 * and other labels among their answers, too: these are compared as texts.
 */
export const mathVerifier: Verifier<Gold, Read> = {
  expects:
    'a mathematical answer such as 1/2, 2\\sqrt{3}, x^2+1, (1, 2], \\{1, 2\\}, y = 2x + 1, 101_2 or up to four words',
  parseGold(text) {
    const maths = readMaths(text);
    const gold = {
      maths: maths && equalMaths(maths, maths) === 'equal' ? maths : undefined,
      label: labelOf(text),
    };
    return gold.maths === undefined && gold.label === undefined ? undefined : gold;
  },
  // A text without any of these may end in words that are the answer.
  find: (text) => lastBox(text) ?? lastFormula(text) ?? lastNumber(text) ?? text.trim().split('\n').at(-1),
  read(text, language, gold) {
    const label = gold.label === undefined ? undefined : labelOf(text);
    if (label !== undefined && label === gold.label) return { equality: 'equal', spelling: spell(gold) };
    const answer = readMaths(text, language);
    if (answer === undefined) return label === undefined ? undefined : { equality: 'different', spelling: label };
    const equality = gold.maths === undefined ? 'different' : equalMaths(gold.maths, answer);
    return { equality, spelling: equality === 'equal' ? spell(gold) : spellMaths(answer) };
  },
  grade: (_gold, { equality }) => (equality === 'equal' ? correct : equality === 'different' ? wrong : abstain),
  spell: ({ spelling }) => spelling,
  spellGold: spell,
};

function spell({ maths, label = '' }: Gold): string {
  return maths === undefined ? label : spellMaths(maths);
}
