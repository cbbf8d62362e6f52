import { exactValue, numericValue, variablesOf } from '../rewards/maths/evaluate.ts';
import { readExpression } from '../rewards/maths/expression.ts';
import { plainMaths } from '../rewards/maths/plain-maths.ts';
import { spell } from '../rewards/numbers/rational.ts';
import { type CallableTool, definitionOf, textArgument, ToolFault } from './tool.ts';

/** Digits of a number that is not exact, and of one that would be told with more than `mostCharacters`. */
const digits = 12;
const mostCharacters = 60;

/**
 * Works out an expression, in LaTeX or as it is typed: exactly where it has but fractions and whole powers, else to 12 digits. A variable is
 * a fault. The expression is bounded in length, and what it comes to in bits, so that it takes no time to speak of.
 */
export const calculator: CallableTool = {
  definition: definitionOf('calculator', 'Works out an arithmetic expression.', [
    'expression',
    'Numbers, + - * / ^, brackets, sqrt, sin, ln and the like, such as (12 + 3) * 4',
  ]),
  run(given) {
    const text = textArgument(given, 'expression');
    const expression = readExpression(plainMaths(text));
    if (expression === undefined) throw new ToolFault(`cannot read the expression ${text.slice(0, 100)}`);
    const [variable] = variablesOf(expression);
    if (variable !== undefined) throw new ToolFault(`the expression has a variable: ${variable}`);
    const exact = exactValue(expression, 0);
    const spelled = exact && spell(exact);
    if (spelled !== undefined && spelled.length <= mostCharacters) return spelled;
    const { re, im } = numericValue(expression, 0);
    if (!Number.isFinite(re) || !Number.isFinite(im)) throw new ToolFault(`${text.slice(0, 100)} has no value`);
    return rounded(re) + (im === 0 ? '' : `${im < 0 ? ' - ' : ' + '}${rounded(Math.abs(im))}i`);
  },
};

function rounded(value: number): string {
  return String(Number(value.toPrecision(digits)));
}
