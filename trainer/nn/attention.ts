import { type Dimension, dimension, fixed, times } from '../graph/shape.ts';
import { type Value, composite, constant } from '../graph/value.ts';
import { add, multiply, subtract } from '../ops/elementwise.ts';
import { batchedMatmul } from '../ops/linalg.ts';
import { concat, reshape, slice } from '../ops/movement.ts';
import { softmax } from '../ops/normalization.ts';
import { reduceSum } from '../ops/reduction.ts';
import { mergeHeads, splitHeads } from './heads.ts';

/** Added to the scores of keys that a query must not see. Finite, so that the softmax of any row stays a number. */
const masked = -1e9;

/**
 * Causal grouped-query attention over whole sequences, softmax(Q·Kᵀ ÷ √headDim)·V, differentiated as one.
 *
 * The queries that share a key head are rows of one product, so K and V are never repeated. Queries go in blocks, each
 * against the keys up to its end: with `b` blocks `(b − 1) ÷ 2b` of the work on `[length, length]` falls away.
 *
 * @param q `[rows, heads, length, headDim]`
 * @param k, v `[rows, kvHeads, length, headDim]`
 * @returns `[rows · length, heads · headDim]`
 */
export function causalAttention(q: Value, k: Value, v: Value): Value {
  const layout = queryLayout(q, k);
  const { rows, heads, kvHeads, group, length, headDim } = layout;
  const blocks = queryBlocks(length);
  const alpha = 1 / Math.sqrt(headDim);
  const grouped = (x: Value): Value => reshape(x, [rows, kvHeads, group * length, headDim]);

  const queries = grouped(q);
  const parts = blocks.map(({ start, end }) => {
    const [query, key, value] = [queryRows(queries, layout, start, end), prefix(k, end), prefix(v, end)];
    const scores = reshape(batchedMatmul(query, key, { transB: true, alpha }), [
      rows,
      kvHeads,
      group,
      end - start,
      end,
    ]);
    const p = softmax(reshape(add(scores, causalMask(start, end)), [rows, kvHeads, group * (end - start), end]));
    return { query, key, value, p, start, end, output: batchedMatmul(p, value) };
  });
  const output = joinQueryRows(
    parts.map((part) => part.output),
    layout,
  );
  const merged = mergeHeads(reshape(output, [rows, heads, length, headDim]), times(rows, length));

  // O = P·V, P = softmax(S), S = α·Q·Kᵀ  ⇒  dV = Pᵀ·G, dP = G·Vᵀ, dS = P ∘ (dP − Σ G∘O), dQ = α·dS·K, dK = α·dSᵀ·Q
  const [result] = composite('CausalAttention', [q, k, v], [merged], (gMerged) => {
    if (gMerged === undefined) return [];
    const g = grouped(splitHeads(gMerged, rows, length, heads));
    const products = reduceSum(multiply(g, output), [3]);
    let [dk, dv]: (Value | undefined)[] = [];
    const dq = parts.map(({ query, key, value, p, start, end }) => {
      const gBlock = queryRows(g, layout, start, end);
      const dp = batchedMatmul(gBlock, value, { transB: true });
      const ds = multiply(p, subtract(dp, queryRows(products, layout, start, end)));
      dv = addToPrefix(batchedMatmul(p, gBlock, { transA: true }), dv, start, end);
      dk = addToPrefix(batchedMatmul(ds, query, { transA: true, alpha }), dk, start, end);
      return batchedMatmul(ds, key, { alpha });
    });
    return [reshape(joinQueryRows(dq, layout), q.shape), dk, dv];
  });
  return result as Value;
}

/**
 * Attention of one new token per sequence over a cache that already holds its key and value. A query row has the bits
 * it has in `causalAttention`: the sum runs over the same keys in the same order, and a masked key adds exactly 0.
 *
 * @param q `[B, kvHeads, group, headDim]`
 * @param keys, values `[B, kvHeads, W, headDim]`
 * @param bias 0, or −1e9 where a place of the cache is empty, `[B, 1, 1, W]`
 * @returns `[B, heads · headDim]`
 */
export function cachedAttention(q: Value, keys: Value, values: Value, bias: Value): Value {
  const [kvHeads, group, headDim] = q.shape.slice(1).map(fixed) as [number, number, number];
  const alpha = 1 / Math.sqrt(headDim);
  // ONNX Runtime multiplies a single row by another kernel, which sums in another order: give it two.
  const queries = group === 1 ? concat([q, q], 2) : q;
  const p = softmax(add(batchedMatmul(queries, keys, { transB: true, alpha }), bias));
  const attended = batchedMatmul(p, values);
  const output = group === 1 ? slice(attended, 2, 0, 1) : attended;
  return reshape(output, [dimension(q.shape, 0), kvHeads * group * headDim]);
}

interface QueryLayout {
  readonly rows: Dimension;
  readonly heads: number;
  readonly kvHeads: number;
  /** Query heads per key head. */
  readonly group: number;
  readonly length: number;
  readonly headDim: number;
}

function queryLayout(q: Value, k: Value): QueryLayout {
  const [heads, length, headDim] = q.shape.slice(1).map(fixed) as [number, number, number];
  const kvHeads = fixed(dimension(k.shape, 1));
  return { rows: dimension(q.shape, 0), heads, kvHeads, group: heads / kvHeads, length, headDim };
}

/** Four blocks pay from 128 positions on, two from 64. */
function queryBlocks(length: number): { start: number; end: number }[] {
  const count = length >= 128 && length % 4 === 0 ? 4 : length >= 64 && length % 2 === 0 ? 2 : 1;
  const size = length / count;
  return Array.from({ length: count }, (_, index) => ({ start: index * size, end: (index + 1) * size }));
}

/** 0 where key ≤ query, for the queries `start … end − 1` and the keys `0 … end − 1`. */
function causalMask(start: number, end: number): Value {
  const mask = new Float32Array((end - start) * end);
  for (let query = start; query < end; query++) {
    mask.fill(masked, (query - start) * end + query + 1, (query - start + 1) * end);
  }
  return constant(mask, [end - start, end]);
}

/** Positions `start … end − 1` of every query head: from `[rows, kvHeads, group · length, n]`. */
function queryRows(x: Value, { rows, kvHeads, group, length }: QueryLayout, start: number, end: number): Value {
  if (end - start === length) return x;
  const n = dimension(x.shape, 3);
  const block = slice(reshape(x, [rows, kvHeads, group, length, n]), 3, start, end);
  return reshape(block, [rows, kvHeads, group * (end - start), n]);
}

/** Undoes `queryRows` of all blocks. */
function joinQueryRows(blocks: readonly Value[], { rows, kvHeads, group, length, headDim }: QueryLayout): Value {
  const [first, ...rest] = blocks.map((x) => reshape(x, [rows, kvHeads, group, length / blocks.length, headDim]));
  const joined = rest.length > 0 ? concat([first as Value, ...rest], 3) : (first as Value);
  return reshape(joined, [rows, kvHeads, group * length, headDim]);
}

/** Positions `0 … end − 1` of every key head. */
function prefix(x: Value, end: number): Value {
  return end === x.shape[2] ? x : slice(x, 2, 0, end);
}

/** Adds `sum`, which covers the positions before `start`, to `x`, which covers those before `end`. */
function addToPrefix(x: Value, sum: Value | undefined, start: number, end: number): Value {
  return sum ? concat([add(slice(x, 2, 0, start), sum), slice(x, 2, start, end)], 2) : x;
}
