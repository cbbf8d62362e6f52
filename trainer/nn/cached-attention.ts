import { dimension, fixed } from '../graph/shape.ts';
import { type Value, apply, constant, integers, kernel, scalar } from '../graph/value.ts';
import { add, lessOrEqual, multiply, where } from '../ops/elementwise.ts';
import { setRows } from '../ops/indexing.ts';
import { batchedMatmul } from '../ops/linalg.ts';
import { concat, reshape, sizes, slice } from '../ops/movement.ts';
import { softmax } from '../ops/normalization.ts';
import { masked } from './attention-grid.ts';

/** Keys and values of B sequences, room for W positions each: cell (row · kvHeads + head) · W + position of `[B·kvHeads·W, headDim]`. */
export interface Cache {
  readonly keys: Value;
  readonly values: Value;
}

/**
 * Attention of one new token a sequence, whose key and value are written into the cache first. A token has the bits that it has in
 * `attention`: the sum runs over the same keys in the same order, and a masked key adds exactly 0.
 *
 * @param q `[B, heads, headDim]`
 * @param k, v of the new tokens, `[B, kvHeads, headDim]`
 * @param positions of the new tokens, below W, `[B]` int64
 * @returns `out` `[B, heads, headDim]`, and the cache with the new tokens, which may lie in the memory of the one before
 */
export function cachedAttention(
  q: Value,
  k: Value,
  v: Value,
  positions: Value,
  cache: Cache,
): Cache & { readonly out: Value } {
  const [rows, heads, headDim] = [dimension(q.shape, 0), ...q.shape.slice(1).map(fixed)] as [string, number, number];
  const kvHeads = fixed(dimension(k.shape, 1));
  const group = heads / kvHeads;
  const cells = newCells(positions, cache.keys, kvHeads);
  const written = (lines: Value, added: Value): Value => setRows(lines, { rows: cells, updates: added });
  const [keys, values] = [written(cache.keys, k), written(cache.values, v)];
  const byRow = concat([sizes(positions), integers([kvHeads, -1, headDim])], 0);
  const lined = (lines: Value): Value => apply('Reshape', [lines, byRow], { shape: [rows, kvHeads, 'W', headDim] });

  // ONNX Runtime multiplies a single row by another kernel, which sums in another order: give it two.
  const single = reshape(q, [rows, kvHeads, group, headDim]);
  const queries = group === 1 ? concat([single, single], 2) : single;
  const scores = batchedMatmul(queries, lined(keys), { transB: true, alpha: 1 / Math.sqrt(headDim) });
  const attended = batchedMatmul(softmax(add(scores, mask(positions, cache.keys, kvHeads))), lined(values));
  const out = reshape(group === 1 ? slice(attended, 2, 0, 1) : attended, q.shape);
  const outputs = kernel('CachedAttention', [q, k, v, positions, cache.keys, cache.values], [out, keys, values]);
  const [o, nextKeys, nextValues] = outputs as [Value, Value, Value];
  return { out: o, keys: nextKeys, values: nextValues };
}

/** The cells of the new tokens, `[B, kvHeads]`. */
function newCells(positions: Value, keys: Value, kvHeads: number): Value {
  const heads = constant(
    BigInt64Array.from({ length: kvHeads }, (_, head) => BigInt(head)),
    [1, kvHeads],
  );
  const rows = reshape(range(sizes(positions), 'B'), ['B', 1]);
  const lines = add(multiply(rows, integers([kvHeads])), heads);
  return add(multiply(lines, width(positions, keys, kvHeads)), reshape(positions, ['B', 1]));
}

/** 0 up to the new token's position, `[B, 1, 1, W]`; finite beyond it, so that every softmax is a number. */
function mask(positions: Value, keys: Value, kvHeads: number): Value {
  const visible = lessOrEqual(range(width(positions, keys, kvHeads), 'W'), reshape(positions, ['B', 1]));
  return reshape(where(visible, scalar(0), scalar(masked)), ['B', 1, 1, 'W']);
}

/** W, `[1]` int64 */
function width(positions: Value, keys: Value, kvHeads: number): Value {
  const cells = slice(sizes(keys), 0, 0, 1);
  const lines = multiply(sizes(positions), integers([kvHeads]));
  return apply('Div', [cells, lines], { type: 'int64', shape: [1] });
}

/** 0, 1, … below `limit` `[1]` */
function range(limit: Value, name: string): Value {
  const [zero, one] = [constant(BigInt64Array.of(0n), []), constant(BigInt64Array.of(1n), [])];
  return apply('Range', [zero, reshape(limit, []), one], { type: 'int64', shape: [name] });
}
