import type { Rational } from '../numbers/rational.ts';
import { exactValue, variablesOf } from './evaluate.ts';
import type { Expression } from './expression.ts';

export type RelationSign = '=' | '<' | '<=' | '!=';

/** What a mathematical answer can be. */
export type Maths =
  | { readonly kind: 'number'; readonly value: Rational; readonly percent?: boolean }
  /** `worked`: a number that has not been worked out, such as `3 + 4`, is no answer. */
  | { readonly kind: 'expression'; readonly expression: Expression; readonly worked: boolean }
  /** Elements in any order: `\{1, 2\}`, `1, 2`, `1 \pm \sqrt{2}`. */
  | { readonly kind: 'set' | 'union'; readonly items: readonly Maths[] }
  /** Elements in this order: a tuple, a vector, an interval; a matrix has its rows. */
  | {
      readonly kind: 'sequence';
      readonly open: string;
      readonly close: string;
      readonly items: readonly Maths[];
      readonly of?: string;
    }
  | { readonly kind: 'relation'; readonly sign: RelationSign; readonly left: Expression; readonly right: Expression };

/** A formula as an answer; a constant whose value is a fraction has not been worked out. */
export function formulaOf(expression: Expression): Maths {
  return { kind: 'expression', expression, worked: fractionOf(expression) === undefined };
}

/** What a side of a relation is worth. */
export function mathsOf(expression: Expression): Maths {
  const value = fractionOf(expression);
  return value === undefined ? formulaOf(expression) : { kind: 'number', value };
}

export function infinity(negative: boolean): Maths {
  const symbol = { symbol: 'infinity' };
  return formulaOf(negative ? { operator: 'Negate', operands: [symbol] } : symbol);
}

function fractionOf(expression: Expression): Rational | undefined {
  return variablesOf(expression).size === 0 ? exactValue(expression, 0) : undefined;
}
