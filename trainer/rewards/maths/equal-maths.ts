import { isDeepStrictEqual } from 'node:util';
import type { Complex } from 'complex.js';
import { equal, multiply, rational, type Rational } from '../numbers/rational.ts';
import { exactValue, numericValue, variablesOf } from './evaluate.ts';
import type { Expression } from './expression.ts';
import { formulaOf, type Maths, type RelationSign } from './maths.ts';

/** `unknown`: both can be read, and no sample point tells whether they are equal. */
export type Equality = 'equal' | 'different' | 'unknown';

const points = 8;
/** Points at which both formulas must have a value. */
const fewest = 3;
/** Far more than double precision loses in a formula of an answer's length, far less than answers differ by. */
const tolerance = 1e-10;

/**
 * Whether an answer is the gold answer in another form. Formulas are equal if they have equal values at sample points of their variables, exactly where
 * both are made of sums, products and whole powers, else in double precision.
 *
 * Source of the method: polynomial identity testing, Schwartz 1980. What it cannot see is a difference below 1e-10.
 */
export function equalMaths(gold: Maths, answer: Maths): Equality {
  return equalAnswers(onlyItem(gold), onlyItem(answer));
}

/** Whoever is asked for all solutions may say the only one without braces. */
function onlyItem(maths: Maths): Maths {
  return maths.kind === 'set' && maths.items.length === 1 ? maths.items[0]! : maths;
}

function equalAnswers(gold: Maths, answer: Maths): Equality {
  if (gold.kind === 'relation' || answer.kind === 'relation') return equalRelations(gold, answer);
  if (gold.kind === 'expression' && answer.kind === 'number') return isWorkedOut(gold.expression, answer.value);
  if (gold.kind === 'number' && answer.kind === 'expression' && isLogarithm(answer.expression))
    return isWorkedOut(answer.expression, gold.value);
  if (gold.kind === 'number' || answer.kind === 'number') return equalNumbers(gold, answer);
  if (gold.kind === 'expression' || answer.kind === 'expression') {
    if (gold.kind !== 'expression' || answer.kind !== 'expression' || gold.worked !== answer.worked) return 'different';
    return equalExpressions(gold.expression, answer.expression);
  }
  if (gold.kind === 'sequence' || answer.kind === 'sequence') {
    if (gold.kind !== 'sequence' || answer.kind !== 'sequence') return 'different';
    if (gold.open === 'matrix' && answer.open === '[') return equalMaths(gold, matrixOf(answer));
    const isSame =
      gold.open === answer.open && gold.close === answer.close && gold.items.length === answer.items.length;
    if (!isSame || (gold.of !== undefined && answer.of !== undefined && gold.of !== answer.of)) return 'different';
    return all(gold.items.map((item, index) => () => equalMaths(item, answer.items[index]!)));
  }
  if (gold.kind !== answer.kind) return 'different';
  return all([...eachIn(gold.items, answer.items), ...eachIn(answer.items, gold.items)]);
}

/** Each item of one collection, asked whether the other has it. */
function eachIn(items: readonly Maths[], others: readonly Maths[]): (() => Equality)[] {
  return items.map((item) => () => any(others.map((other) => () => equalMaths(item, other))));
}

function all(parts: readonly (() => Equality)[]): Equality {
  let result: Equality = 'equal';
  for (const part of parts) {
    const equality = part();
    if (equality === 'different') return 'different';
    if (equality === 'unknown') result = 'unknown';
  }
  return result;
}

function any(parts: readonly (() => Equality)[]): Equality {
  let result: Equality = 'different';
  for (const part of parts) {
    const equality = part();
    if (equality === 'equal') return 'equal';
    if (equality === 'unknown') result = 'unknown';
  }
  return result;
}

type Sequence = Extract<Maths, { kind: 'sequence' }>;

/** A list of lists as code writes a matrix; any other list stays as it is. */
function matrixOf(list: Sequence): Maths {
  const rows = list.items.map((row) =>
    row.kind === 'sequence' && row.open === '[' ? { ...row, open: '(', close: ')' } : row,
  );
  const isMatrix = rows.every((row) => row.kind === 'sequence' && row.open === '(');
  return isMatrix ? { ...list, open: 'matrix', close: 'matrix', items: rows } : { ...list, open: 'list' };
}

/** Fractions of a small denominator are further apart from what they only come near to than double precision loses. */
const largestDenominator = 1000n;

/** One function of numbers is a number, as a root or a power is: `\log_2 8` is 3. */
function isLogarithm(expression: Expression): boolean {
  if (!('operator' in expression)) return false;
  const { operator, operands } = expression;
  if (operator === 'Negate') return operands.every(isLogarithm);
  return ['Log', 'Lb', 'Lg'].includes(operator) && operands.every(isFraction);
}

function isFraction(expression: Expression): boolean {
  if (!('operator' in expression)) return 'number' in expression;
  return expression.operator === 'Divide' && expression.operands.every((part) => 'number' in part);
}

/** Whether a number is what a formula, such as `\log_2 8` or `\binom{5}{2}`, comes to. */
function isWorkedOut(formula: Expression, value: Rational): Equality {
  if (variablesOf(formula).size > 0 || value.denominator > largestDenominator) return 'different';
  const [expected, found] = [numericValue(formula, 0), numericValue({ number: value }, 0)];
  return isFinite(expected) && isClose(expected, found) ? 'equal' : 'different';
}

function hundredth(value: Rational): Rational {
  return multiply(value, rational(1n, 100n));
}

/** A percentage is its hundredth part; where one of both is written with the sign, the other may be the number before it. */
function equalNumbers(gold: Maths, answer: Maths): Equality {
  if (gold.kind !== 'number' || answer.kind !== 'number') return 'different';
  if (equal(gold.value, answer.value)) return 'equal';
  const isPart =
    (answer.percent === true && gold.percent !== true && equal(hundredth(answer.value), gold.value)) ||
    (gold.percent === true && answer.percent !== true && equal(hundredth(gold.value), answer.value));
  return isPart ? 'equal' : 'different';
}

/** `x = 2` names its variable, so it is what stands behind it; every other relation is equal to its multiples. */
function equalRelations(gold: Maths, answer: Maths): Equality {
  const [solvedGold, solvedAnswer] = [solvedFor(gold), solvedFor(answer)];
  if (gold.kind !== 'relation') return solvedAnswer ? equalMaths(gold, solvedAnswer.value) : 'different';
  if (answer.kind !== 'relation') return solvedGold ? equalMaths(solvedGold.value, answer) : 'different';
  if (gold.sign !== answer.sign) return 'different';
  const isSolution = solvedGold !== undefined && solvedGold.isConstant;
  if (!isSolution) return equalMultiples(gold.sign, gold, answer);
  if (solvedAnswer?.variable !== solvedGold.variable) return 'different';
  return equalMaths(solvedGold.value, solvedAnswer.value);
}

function solvedFor(relation: Maths): { variable: string; value: Maths; isConstant: boolean } | undefined {
  if (relation.kind !== 'relation' || relation.sign !== '=') return undefined;
  const [left, right] = 'symbol' in relation.left ? [relation.left, relation.right] : [relation.right, relation.left];
  if (!('symbol' in left)) return undefined;
  const variables = variablesOf(right);
  if (variables.has(left.symbol)) return undefined;
  const value: Maths = 'number' in right ? { kind: 'number', value: right.number } : formulaOf(right);
  return { variable: left.symbol, value, isConstant: variables.size === 0 };
}

type Sides = { readonly left: Expression; readonly right: Expression };

/** Whether `left − right` of both differ by a factor that is the same everywhere, and of an inequality positive. */
function equalMultiples(sign: RelationSign, gold: Sides, answer: Sides): Equality {
  const ratios: Complex[] = [];
  for (let point = 0; point < points; point++) {
    const ratio = difference(gold, point).div(difference(answer, point));
    if (isFinite(ratio) && ratio.abs() > 0) ratios.push(ratio);
  }
  const [first, ...others] = ratios;
  if (first === undefined || others.length + 1 < fewest) return 'unknown';
  if (sign !== '=' && sign !== '!=' && !(first.re > 0)) return 'different';
  return others.every((ratio) => isClose(first, ratio)) ? 'equal' : 'different';
}

function difference({ left, right }: Sides, point: number): Complex {
  return numericValue(left, point).sub(numericValue(right, point));
}

function equalExpressions(gold: Expression, answer: Expression): Equality {
  if (isDeepStrictEqual(gold, answer)) return 'equal';
  if (isInfinite(gold) || isInfinite(answer)) return 'different';
  let compared = 0;
  for (let point = 0; point < points; point++) {
    const [a, b] = [exactValue(gold, point), exactValue(answer, point)];
    if (a !== undefined && b !== undefined) {
      if (!equal(a, b)) return 'different';
      compared++;
      continue;
    }
    const [left, right] = [numericValue(gold, point), numericValue(answer, point)];
    if (isFinite(left) !== isFinite(right)) return 'different';
    if (!isFinite(left)) continue;
    if (!isClose(left, right)) return 'different';
    compared++;
  }
  return compared < fewest ? 'unknown' : 'equal';
}

function isInfinite(expression: Expression): boolean {
  if ('operator' in expression) return expression.operands.some(isInfinite);
  return 'symbol' in expression && expression.symbol === 'infinity';
}

function isFinite(value: Complex): boolean {
  return Number.isFinite(value.re) && Number.isFinite(value.im);
}

function isClose(a: Complex, b: Complex): boolean {
  return a.sub(b).abs() <= tolerance * Math.max(a.abs(), b.abs());
}
