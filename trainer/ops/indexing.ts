import { dimension, fixed, ShapeError, showShape } from '../graph/shape.ts';
import { type RowUpdates, type Value, apply, applyAll, expectRank, integers } from '../graph/value.ts';
import { subtract } from './elementwise.ts';
import { reshape, sizes } from './movement.ts';

/** Rows of a table: `[…n, …row]` for indices `[…n]` int64; a gradient where these have one axis. ONNX `Gather`. */
export function gatherRows(table: Value, rows: Value): Value {
  const shape = [...rows.shape, ...table.shape.slice(1)];
  return apply(
    'Gather',
    [table, rows],
    { type: table.type, shape },
    {
      attributes: { axis: 0 },
      ...(rows.shape.length === 1 && { gradient: (g) => (g ? [{ rows, updates: g }] : []) }),
    },
  );
}

/** A copy of `table` with `table[rows[i]] += updates[i]`; a row may occur more than once. ONNX `ScatterND`. */
export function addRows(table: Value, { rows, updates }: RowUpdates): Value {
  const indices = reshape(rows, [...rows.shape, 1]);
  return apply('ScatterND', [table, indices, updates], table, {
    attributes: { reduction: 'add' },
    gradient: (g) => (g ? [g, undefined, gatherRows(g, rows)] : []),
  });
}

/** A copy of `table` with `table[rows[i]] = updates[i]`; no gradient. ONNX `ScatterND`, which copies nothing where both lie in the same memory. */
export function setRows(table: Value, { rows, updates }: RowUpdates): Value {
  return apply('ScatterND', [table, reshape(rows, [...rows.shape, 1]), updates], table);
}

/** One element of each row: `[n]` from `[n, m]` and column numbers `[n]` int64; no gradient. ONNX `GatherElements`. */
export function pickColumns(a: Value, columns: Value): Value {
  expectRank('GatherElements', a, 2);
  const count = dimension(a.shape, 0);
  if (columns.shape.length !== 1 || columns.shape[0] !== count) {
    throw new ShapeError(`GatherElements: columns ${showShape(columns.shape)} for rows of ${showShape(a.shape)}`);
  }
  const picked = apply(
    'GatherElements',
    [a, reshape(columns, [count, 1])],
    { type: a.type, shape: [count, 1] },
    {
      attributes: { axis: 1 },
    },
  );
  return reshape(picked, [count]);
}

/** The elements of each row from the largest down, of equal ones the first first, and their places; no gradient. ONNX `TopK`. */
export function sortedRows(a: Value): { readonly values: Value; readonly places: Value } {
  const count = fixed(dimension(a.shape, -1));
  const outputs = [
    { type: a.type, shape: a.shape },
    { type: 'int64', shape: a.shape },
  ] as const;
  const [values, places] = applyAll('TopK', [a, integers([count])], outputs) as [Value, Value];
  return { values, places };
}

/** `result[i, places[i, j]] = a[i, j]`, zeros elsewhere; no gradient. ONNX `ScatterElements`. */
export function scatterColumns(a: Value, places: Value): Value {
  return apply('ScatterElements', [subtract(a, a), places, a], a, { attributes: { axis: 1 } });
}

/** Zeros in the shape of `a`. ONNX `ConstantOfShape`. */
export function zerosLike(a: Value): Value {
  return apply('ConstantOfShape', [sizes(a)], { shape: a.shape });
}
