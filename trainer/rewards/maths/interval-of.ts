import { variablesOf } from './evaluate.ts';
import type { Expression } from './expression.ts';
import { infinity, type Maths, mathsOf } from './maths.ts';

type Relation = Extract<Maths, { kind: 'relation' }>;

/** What a variable may be by its bounds: `x > 3` is `(3, \infty)`, `1 < x \le 3` is `(1, 3]`. */
export function intervalOf(relations: readonly Relation[]): Maths | undefined {
  let [low, high, of]: [Maths | undefined, Maths | undefined, string | undefined] = [undefined, undefined, undefined];
  let [open, close] = ['(', ')'];
  for (const { sign, left, right } of relations) {
    if (sign !== '<' && sign !== '<=') return undefined;
    const [above, below] = [boundOf(left, right), boundOf(right, left)];
    const variable = above?.variable ?? below?.variable;
    if (variable === undefined || (of !== undefined && of !== variable)) return undefined;
    if (below !== undefined && low === undefined) [low, open] = [below.bound, sign === '<=' ? '[' : '('];
    else if (above !== undefined && high === undefined) [high, close] = [above.bound, sign === '<=' ? ']' : ')'];
    else return undefined;
    of = variable;
  }
  if (of === undefined) return undefined;
  return { kind: 'sequence', open, close, items: [low ?? infinity(true), high ?? infinity(false)], of };
}

/** The bound of a side that is one variable. */
function boundOf(side: Expression, other: Expression): { variable: string; bound: Maths } | undefined {
  if (!('symbol' in side) || !variablesOf(side).has(side.symbol) || variablesOf(other).size > 0) return undefined;
  return { variable: side.symbol, bound: mathsOf(other) };
}
