import type { AddOnto, Contribution, RowUpdates, Value } from '../graph/value.ts';
import { add } from '../ops/elementwise.ts';
import { addRows, zerosLike } from '../ops/indexing.ts';
import { concat } from '../ops/movement.ts';

/**
 * Sums what has reached a value, with as few passes over memory as the contributions allow: values first, then ops that
 * add onto the sum by themselves (Gemm's C), then all row updates in one scatter.
 *
 * @param of the value whose cotangent this is
 */
export function accumulate(contributions: readonly Contribution[], of: Value): Value {
  let sum: Value | undefined;
  for (const value of contributions.filter(isValue)) sum = sum ? add(sum, value) : value;
  for (const { onto } of contributions.filter(isAddOnto)) sum = onto(sum);
  const updates = contributions.filter(isRowUpdates);
  return updates.length === 0 && sum ? sum : addRows(sum ?? zerosLike(of), merged(updates));
}

function merged(updates: readonly RowUpdates[]): RowUpdates {
  const [first, ...rest] = updates;
  if (first === undefined) throw new Error('a cotangent without contributions');
  if (rest.length === 0) return first;
  return {
    rows: concat([first.rows, ...rest.map(({ rows }) => rows)], 0),
    updates: concat([first.updates, ...rest.map((update) => update.updates)], 0),
  };
}

const isValue = (contribution: Contribution): contribution is Value => 'source' in contribution;
const isAddOnto = (contribution: Contribution): contribution is AddOnto => 'onto' in contribution;
const isRowUpdates = (contribution: Contribution): contribution is RowUpdates => 'rows' in contribution;
