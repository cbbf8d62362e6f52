import { lastBox } from '../boxed.ts';
import { type Equality, equalMaths } from '../maths/equal-maths.ts';
import { lastFormula } from '../maths/last-formula.ts';
import type { Maths } from '../maths/maths.ts';
import { readMaths } from '../maths/read-maths.ts';
import { spellMaths } from '../maths/spell-maths.ts';
import { lastNumber } from '../numbers/last-number.ts';
import { abstain, correct, type Verifier, wrong } from './verifier.ts';

interface Read {
  readonly answer: Maths;
  readonly equality: Equality;
  /** That of the gold answer where both are equal. */
  readonly spelling: string;
}

/**
 * A mathematical answer in LaTeX or as it is typed: a number, a formula, an interval, a set, a tuple, a matrix, an equation or inequality. It is right in every
 * form that is equal, but a number has to be worked out. Where two formulas cannot be told apart by their values it abstains.
 */
export const mathVerifier: Verifier<Maths, Read> = {
  expects:
    'a mathematical answer such as 1/2, 2\\sqrt{3}, x^2+1, (1, 2], \\{1, 2\\} or y = 2x + 1; words belong to the kind exact',
  parseGold(text) {
    const gold = readMaths(text);
    return gold === undefined || equalMaths(gold, gold) !== 'equal' ? undefined : gold;
  },
  find: (text) => lastBox(text) ?? lastFormula(text) ?? lastNumber(text),
  read(text, language, gold) {
    const answer = readMaths(text, language);
    if (answer === undefined) return undefined;
    const equality = equalMaths(gold, answer);
    return { answer, equality, spelling: spellMaths(equality === 'equal' ? gold : answer) };
  },
  grade: (_gold, { equality }) => (equality === 'equal' ? correct : equality === 'different' ? wrong : abstain),
  spell: ({ spelling }) => spelling,
  spellGold: spellMaths,
};
