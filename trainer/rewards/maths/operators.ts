import { Complex } from 'complex.js';

/** Operators of formulas under the names of MathJSON, with their values in the complex plane; of several values the principal one. */
const operators = {
  Add: many((a, b) => a.add(b)),
  Subtract: two((a, b) => a.sub(b)),
  Negate: one((a) => a.neg()),
  Multiply: many((a, b) => a.mul(b)),
  Divide: two((a, b) => a.div(b)),
  Power: two((a, b) => a.pow(b)),
  Square: one((a) => a.mul(a)),
  Sqrt: one((a) => a.sqrt()),
  // The real root of a negative number where there is one: \sqrt[3]{-8} is -2.
  Root: two((a, degree) => (isOddRoot(a, degree) ? a.neg().pow(degree.inverse()).neg() : a.pow(degree.inverse()))),
  Exp: one((a) => a.exp()),
  Ln: one((a) => a.log()),
  // Without a base that of ten, as math-verify has it; `\\ln` is the natural one.
  Log: [1, 2, ([a, base = new Complex(10)]: readonly Complex[]) => log(a).div(log(base))],
  Lb: one((a) => a.log().div(Math.LN2)),
  Lg: one((a) => a.log().div(Math.LN10)),
  Sin: one((a) => a.sin()),
  Cos: one((a) => a.cos()),
  Tan: one((a) => a.tan()),
  Sec: one((a) => a.sec()),
  Csc: one((a) => a.csc()),
  Cot: one((a) => a.cot()),
  Arcsin: one((a) => a.asin()),
  Arccos: one((a) => a.acos()),
  Arctan: one((a) => a.atan()),
  Sinh: one((a) => a.sinh()),
  Cosh: one((a) => a.cosh()),
  Tanh: one((a) => a.tanh()),
  Abs: one((a) => new Complex(a.abs())),
  Degrees: one((a) => a.mul(Math.PI / 180)),
  Factorial: one((a) => factorial(a)),
  Binomial: two((n, k) => factorial(n).div(factorial(k).mul(factorial(n.sub(k))))),
} satisfies Record<string, Signature>;

export type Operator = keyof typeof operators;
type Signature = readonly [least: number, most: number, value: (operands: readonly Complex[]) => Complex];

export function isOperator(name: string, operands: number): name is Operator {
  if (!Object.hasOwn(operators, name)) return false;
  const [least, most] = operators[name as Operator] as Signature;
  return operands >= least && operands <= most;
}

/** Not a number where the operator has no value, as for division by 0. */
export function valueOf(operator: Operator, operands: readonly Complex[]): Complex {
  return (operators[operator] as Signature)[2](operands);
}

function one(value: (a: Complex) => Complex): Signature {
  return [1, 1, ([a]) => (a === undefined ? Complex.NAN : value(a))];
}

function two(value: (a: Complex, b: Complex) => Complex): Signature {
  return [2, 2, ([a, b]) => (a === undefined || b === undefined ? Complex.NAN : value(a, b))];
}

function many(value: (a: Complex, b: Complex) => Complex): Signature {
  return [1, 100, (operands) => operands.reduce(value)];
}

function log(a: Complex | undefined): Complex {
  return a === undefined ? Complex.NAN : a.log();
}

function isOddRoot(a: Complex, degree: Complex): boolean {
  return a.im === 0 && a.re < 0 && degree.im === 0 && Math.abs(degree.re % 2) === 1;
}

/** Of whole numbers up to 170, the last that a double holds. */
function factorial(a: Complex): Complex {
  if (a.im !== 0 || !Number.isInteger(a.re) || a.re < 0 || a.re > 170) return Complex.NAN;
  let product = 1;
  for (let factor = 2; factor <= a.re; factor++) product *= factor;
  return new Complex(product);
}
