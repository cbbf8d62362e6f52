import { createRequire } from 'node:module';
import type { MathJsonExpression } from '@cortex-js/compute-engine/latex-syntax';
import { exactPower, exactRoot } from './powers.ts';
import { add, divide, negate, rational, type Rational } from './rational.ts';
import { readPlainNumber } from './plain-number.ts';

/** Far more than any number takes, and few enough for the parser to be done at once. */
const maxLength = 100;
const maxDepth = 6;
/** Of a whole answer that may have a fraction in it. */
const longestInfix = 600;

/** What numbers are written with. The parser sees nothing else: not every text ends in it as quickly as these do. */
const numberTokens = /^(?:[\d\s.+\-/^(){}*!]|\\(?:frac|sqrt|cdot|times|overline)(?![a-zA-Z]))+$/;

type Syntax = { parse(latex: string): MathJsonExpression | null };
let syntax: Syntax | undefined;

/**
 * Reads one number that is written in LaTeX, exactly: fractions, mixed numbers, powers, scientific notation, roots that are
 * rational, periods (`0.\overline{3}`), factorials. What still has to be worked out (`3 + 4`, `2 \cdot 3`) is no number:
 * otherwise a model could repeat the question for an answer.
 *
 * @returns `undefined` for any other text
 */
export function readLatexNumber(text: string): Rational | undefined {
  const latex = infixFractions(text)
    .replaceAll(/\\(?:bar|dot)\s*\{?(\d+)\}?$/g, '\\overline{$1}')
    .replaceAll(/\\(?:[dtc]frac)(?![a-zA-Z])/g, '\\frac')
    .replaceAll(/\\(?:left|right)(?=[()])/g, '')
    .replaceAll('\\ast', '*')
    .replaceAll('×', '\\times ')
    .replaceAll(/[·⋅]/g, '\\cdot ')
    .replaceAll('**', '^')
    // The parser knows one sign of scientific notation, and people write four.
    .replace(/(?<=\d)\s*(?:x|\*|\\cdot)\s*(?=10\s*\^)/i, '\\times ')
    .replaceAll(/\^(-\d+)/g, '^{$1}');
  if (latex.length > maxLength || !numberTokens.test(latex) || /\d\s+\d|[-+]\s*[-+]/.test(latex) || !isShallow(latex))
    return undefined;
  return valueOf(parse(latex));
}

/** TeX's own fractions, `{1 \over 2}` and `5 \choose 2`, and the sign of division, in the forms that the parser knows. */
export function infixFractions(text: string): string {
  if (text.length > longestInfix || !/\\(?:over|choose|div)(?![a-zA-Z])/.test(text)) return text;
  return text
    .replaceAll(/\\div(?![a-zA-Z])/g, '/')
    .replaceAll(/\{([^{}]*)\\over(?![a-zA-Z])([^{}]*)\}|^([^{}]*)\\over(?![a-zA-Z])([^{}]*)$/g, '\\frac{$1$3}{$2$4}')
    .replaceAll(
      /\{([^{}]*)\\choose(?![a-zA-Z])([^{}]*)\}|^([^{}]*)\\choose(?![a-zA-Z])([^{}]*)$/g,
      '\\binom{$1$3}{$2$4}',
    );
}

/** A syntax error is part of the tree, and no number. */
function parse(latex: string): MathJsonExpression | null {
  // Most runs never see LaTeX, and the parser takes a third of a second to load.
  syntax ??= new (
    createRequire(import.meta.url)('@cortex-js/compute-engine/latex-syntax') as { LatexSyntax: new () => Syntax }
  ).LatexSyntax();
  return syntax.parse(latex);
}

/** Whether brackets are closed in order, and not many are open at a time. */
export function isShallow(latex: string): boolean {
  let depth = 0;
  for (const sign of latex) {
    if (sign === '(' || sign === '{') depth++;
    else if (sign === ')' || sign === '}') depth--;
    if (depth < 0 || depth > maxDepth) return false;
  }
  return depth === 0;
}

/** Value of a parse tree. The library's own evaluation has no bound (`9^{9^9}`, `100000!`), and rounds decimals. */
function valueOf(tree: MathJsonExpression | null | undefined): Rational | undefined {
  if (typeof tree === 'number') return readNumeral(String(tree));
  if (typeof tree === 'object' && tree !== null && 'num' in tree) return readNumeral(tree.num);
  if (!Array.isArray(tree)) return undefined;
  const [operator, ...operands] = tree as [unknown, ...MathJsonExpression[]];
  if (operator === 'InvisibleOperator') return mixedNumber(operands);
  const [a, b] = operands.map(valueOf);
  if (a === undefined || (operands.length > 1 && b === undefined) || operands.length > 2) return undefined;
  switch (operator) {
    case 'Delimiter':
      return b === undefined ? a : undefined;
    case 'Negate':
      return negate(a);
    case 'Divide':
      return b && divide(a, b);
    case 'Power':
      return b && exactPower(a, b);
    case 'Sqrt':
      return exactRoot(a, 2n);
    case 'Root':
      return b && b.denominator === 1n ? exactRoot(a, b.numerator) : undefined;
    case 'Factorial':
      return factorial(a);
    default:
      return undefined;
  }
}

/** `1\frac{1}{2}`; the sign belongs to all of it. */
function mixedNumber([whole, part, ...more]: readonly MathJsonExpression[]): Rational | undefined {
  const isFraction = Array.isArray(part) && part[0] === 'Divide';
  const [integer, fraction] = [valueOf(whole), isFraction ? valueOf(part) : undefined];
  if (integer?.denominator !== 1n || fraction === undefined || more.length > 0) return undefined;
  if (fraction.numerator < 0n || fraction.numerator >= fraction.denominator) return undefined;
  const negative = integer.numerator < 0n || (Array.isArray(whole) && whole[0] === 'Negate');
  return negative ? add(integer, negate(fraction)) : add(integer, fraction);
}

/** Digits with a period in brackets, `1.2(3)`, or a plain number. */
function readNumeral(text: string): Rational | undefined {
  const [, start = '', decimals = '', period] = /^(\d*)\.(\d*)\((\d+)\)$/.exec(text) ?? [];
  if (period === undefined) return readPlainNumber(text, '.');
  // x.ab(cd) = (xabcd − xab) / 9900
  const nines = (10n ** BigInt(period.length) - 1n) * 10n ** BigInt(decimals.length);
  return rational(BigInt(start + decimals + period) - BigInt(start + decimals), nines);
}

function factorial({ numerator, denominator }: Rational): Rational | undefined {
  if (denominator !== 1n || numerator < 0n || numerator > 100n) return undefined;
  let product = 1n;
  for (let factor = 2n; factor <= numerator; factor++) product *= factor;
  return rational(product);
}
