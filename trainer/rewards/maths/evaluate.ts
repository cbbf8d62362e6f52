import { Complex } from 'complex.js';
import { randomKey, uniform } from '../../algorithms/random.ts';
import { exactPower } from '../numbers/powers.ts';
import { add, divide, multiply, negate, rational, type Rational } from '../numbers/rational.ts';
import type { Expression } from './expression.ts';
import { valueOf } from './operators.ts';

/** Bits beyond which a number is not worked out exactly. */
const maxBits = 4000;

/** The value of a variable at a sample point: a fraction between −2.5 and 2.5, the same in every run. */
export function sampleValue(variable: string, point: number): Rational {
  const size = 31 + Math.floor(uniform(randomKey('math', variable), 2 * point) * 190);
  return rational(BigInt(uniform(randomKey('math', variable), 2 * point + 1) < 0.5 ? -size : size), 89n);
}

export function variablesOf(expression: Expression): ReadonlySet<string> {
  if ('number' in expression) return new Set();
  if ('symbol' in expression) return new Set(isConstant(expression.symbol) ? [] : [expression.symbol]);
  return new Set(expression.operands.flatMap((operand) => [...variablesOf(operand)]));
}

function isConstant(symbol: string): boolean {
  return ['pi', 'e', 'i', 'infinity'].includes(symbol);
}

/** The exact value at a sample point, or `undefined` if the formula is more than sums, products and whole powers of fractions. */
export function exactValue(expression: Expression, point: number): Rational | undefined {
  if ('number' in expression) return expression.number;
  if ('symbol' in expression) return isConstant(expression.symbol) ? undefined : sampleValue(expression.symbol, point);
  const operands: Rational[] = [];
  for (const operand of expression.operands) {
    const value = exactValue(operand, point);
    if (value === undefined) return undefined;
    operands.push(value);
  }
  const [a, b] = operands;
  if (a === undefined) return undefined;
  switch (expression.operator) {
    case 'Add':
      return operands.reduce((sum: Rational | undefined, each) => sum && bounded(add(sum, each)), rational(0n));
    case 'Multiply':
      return operands.reduce((all: Rational | undefined, each) => all && bounded(multiply(all, each)), rational(1n));
    case 'Subtract':
      return b && bounded(add(a, negate(b)));
    case 'Negate':
      return negate(a);
    case 'Divide':
      return b && divide(a, b);
    case 'Power':
      // 0^0 has no value here; of other exponents than whole ones there are several.
      return b?.denominator === 1n && (a.numerator !== 0n || b.numerator > 0n) ? exactPower(a, b) : undefined;
    default:
      return undefined;
  }
}

function bounded(value: Rational): Rational | undefined {
  const most = 1n << BigInt(maxBits);
  return value.numerator < most && -value.numerator < most && value.denominator < most ? value : undefined;
}

/** The value at a sample point in double precision; not finite where there is none. */
export function numericValue(expression: Expression, point: number): Complex {
  if ('number' in expression) return new Complex(asDouble(expression.number));
  if ('symbol' in expression) return symbolValue(expression.symbol, point);
  return valueOf(
    expression.operator,
    expression.operands.map((operand) => numericValue(operand, point)),
  );
}

function symbolValue(symbol: string, point: number): Complex {
  switch (symbol) {
    case 'pi':
      return new Complex(Math.PI);
    case 'e':
      return new Complex(Math.E);
    case 'i':
      return new Complex(0, 1);
    case 'infinity':
      return new Complex(Infinity);
    default:
      return new Complex(asDouble(sampleValue(symbol, point)));
  }
}

function asDouble({ numerator, denominator }: Rational): number {
  const direct = Number(numerator) / Number(denominator);
  if (Number.isFinite(direct)) return direct;
  const shift = BigInt(Math.max(0, denominator.toString(2).length - 1000));
  return Number(numerator >> shift) / Number(denominator >> shift);
}
