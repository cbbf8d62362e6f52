import { createRequire } from 'node:module';
import type { MathJsonExpression } from '@cortex-js/compute-engine/latex-syntax';
import { isShallow } from '../numbers/latex-number.ts';
import { readPlainNumber } from '../numbers/plain-number.ts';
import type { Rational } from '../numbers/rational.ts';
import { isOperator, type Operator } from './operators.ts';

/** A formula: numbers are exact, a symbol is a variable or one of the constants `pi`, `e`, `i` and `infinity`. */
export type Expression =
  | { readonly number: Rational }
  | { readonly symbol: string }
  | { readonly operator: Operator; readonly operands: readonly Expression[] };

const maxLength = 160;
/** Words are no products of letters: `abc` may be one, `the` and `is x` are not looked at. */
const prose =
  /(?<![\\a-zA-Z])[a-zA-Z]{4,}|(?<![\\a-zA-Z])[a-zA-Z]{2,}\s+[a-zA-Z]|(?<![\\a-zA-Z])[a-zA-Z]\s+[a-zA-Z]{2,}/;

const commands = (
  'frac sqrt cdot times pi infty sin cos tan sec csc cot sinh cosh tanh arcsin arccos arctan ln lg log exp binom circ ' +
  'alpha beta gamma delta epsilon theta lambda mu nu rho sigma tau phi omega'
).split(' ');
/** What formulas are written with. The parser sees nothing else: not every text ends in it as quickly as these do. */
const tokens = new RegExp(
  String.raw`^(?:[\da-zA-Z\s.+\-/^_(){}*!|]|\\sqrt\s*\[\w+\]|\\(?:${commands.join('|')})(?![a-zA-Z]))+$`,
);

const functions = 'sin cos tan sec csc cot sinh cosh tanh arcsin arccos arctan ln lg log exp'.split(' ');
/** A bracket, and whether a function stands before it. */
const brackets = new RegExp(String.raw`(\\(?:${functions.join('|')})(?:[_^](?:\w|\{[^{}]*\}))*\s*)?[({]|[)}]`, 'g');
/** With each further function in a function the parser takes four times as long over a fault. */
const maxFunctions = 3;

type Syntax = { parse(latex: string): MathJsonExpression | null };
let syntax: Syntax | undefined;

/**
 * Reads one formula.
 *
 * @param latex of `plainMaths`
 * @returns `undefined` for prose, a faulty formula, and what is not known here (sums, integrals, other functions)
 */
export function readExpression(latex: string): Expression | undefined {
  if (latex === '' || latex.length > maxLength || !tokens.test(latex) || prose.test(latex)) return undefined;
  // Of two signs the parser makes what nobody means: `2 3` is 23, `2 - - 3` is read.
  if (/\d\s+[\d.]|[-+*/]\s*[-+*/]/.test(latex) || !isShallow(latex) || !isSimple(latex)) return undefined;
  const bars = latex.split('|').length - 1;
  if (bars !== 0 && bars !== 2) return undefined;
  // Most runs never see LaTeX, and the parser takes a third of a second to load.
  syntax ??= new (
    createRequire(import.meta.url)('@cortex-js/compute-engine/latex-syntax') as { LatexSyntax: new () => Syntax }
  ).LatexSyntax();
  return expressionOf(syntax.parse(latex));
}

/** Whether there are no more than three functions in each other, as answers have them. */
function isSimple(latex: string): boolean {
  const open: boolean[] = [];
  for (const { 0: mark, 1: name } of latex.matchAll(brackets)) {
    if (/[)}]$/.test(mark)) open.pop();
    else open.push(name !== undefined);
    if (open.filter(Boolean).length > maxFunctions) return false;
  }
  return true;
}

function expressionOf(tree: MathJsonExpression | null | undefined): Expression | undefined {
  if (typeof tree === 'number') return numeral(String(tree));
  if (typeof tree === 'string') return symbolOf(tree);
  if (typeof tree !== 'object' || tree === null) return undefined;
  if ('num' in tree) return numeral(tree.num);
  if (!Array.isArray(tree)) return undefined;
  const [name, ...parts] = tree as [unknown, ...MathJsonExpression[]];
  if (typeof name !== 'string') return undefined;
  const inverse = inverseOf(name, parts);
  if (inverse !== undefined) return inverse;
  const operands = parts.map(expressionOf);
  if (!operands.every((operand) => operand !== undefined)) return undefined;
  if (name === 'Delimiter') return operands.length === 1 ? operands[0] : undefined;
  if (name === 'InvisibleOperator') return productOf(operands, parts);
  return isOperator(name, operands.length) ? { operator: name, operands } : undefined;
}

function numeral(text: string): Expression | undefined {
  const number = readPlainNumber(text, '.');
  return number && { number };
}

const constants: Readonly<Record<string, string>> = {
  Pi: 'pi',
  ExponentialE: 'e',
  ImaginaryUnit: 'i',
  PositiveInfinity: 'infinity',
};

function symbolOf(name: string): Expression | undefined {
  if (name.startsWith("'")) return undefined;
  return { symbol: Object.hasOwn(constants, name) ? (constants[name] ?? name) : name };
}

/** `\tan^{-1} x` is the arc tangent. */
function inverseOf(name: string, [base, exponent]: readonly MathJsonExpression[]): Expression | undefined {
  const isMinusOne = exponent === -1 || JSON.stringify(exponent) === '["Negate",1]';
  if (name !== 'Power' || !isMinusOne || !Array.isArray(base)) return undefined;
  const [inner, ...parts] = base as [unknown, ...MathJsonExpression[]];
  if (inner !== 'Sin' && inner !== 'Cos' && inner !== 'Tan') return undefined;
  const operand = expressionOf(parts[0]);
  return operand && { operator: `Arc${inner.toLowerCase()}` as Operator, operands: [operand] };
}

/** A product without a sign; `1\frac{1}{2}` is a mixed number. */
function productOf(operands: readonly Expression[], parts: readonly MathJsonExpression[]): Expression {
  const [whole, part] = operands;
  const isMixed =
    operands.length === 2 &&
    whole !== undefined &&
    'number' in whole &&
    part !== undefined &&
    'operator' in part &&
    part.operator === 'Divide' &&
    part.operands.every((each) => 'number' in each) &&
    Array.isArray(parts[1]);
  return { operator: isMixed ? 'Add' : 'Multiply', operands };
}
