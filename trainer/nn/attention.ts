import { dimension, fixed } from '../graph/shape.ts';
import { type Value, kernel } from '../graph/value.ts';
import { add, log, multiply, subtract } from '../ops/elementwise.ts';
import { batchedMatmul } from '../ops/linalg.ts';
import { concat, reshape, slice } from '../ops/movement.ts';
import { softmax } from '../ops/normalization.ts';
import { reduceMax, reduceSum } from '../ops/reduction.ts';
import { AttentionGrid, type TokenPlaces } from './attention-grid.ts';

export type { TokenPlaces };

/** What attention gives each token. */
export interface Attended {
  /** `[T, heads, headDim]` */
  readonly out: Value;
  /** `[T, heads]`: the logarithm of the softmax's denominator, by which a gradient finds the weights again */
  readonly lse: Value;
}

/**
 * Causal grouped-query attention of a list of tokens, each over the tokens of its sequence up to itself,
 * softmax(Q·Kᵀ ÷ √headDim)·V. A token that several sequences share attends once, where its origin is.
 *
 * @param q `[T, heads, headDim]`
 * @param k, v `[T, kvHeads, headDim]`
 * @param keep says what is used in place of the results, for example those of an earlier run
 */
export function attention(
  q: Value,
  k: Value,
  v: Value,
  at: TokenPlaces,
  keep: (attended: Attended) => Attended = (attended) => attended,
): Attended {
  const grid = new AttentionGrid(q, k, at);
  const [queries, keys, values] = [grid.cells(q), grid.cells(k), grid.cells(v)];
  const parts = grid.blocks.map((block) => {
    const { scores, p } = grid.weights(queries, keys, block);
    // lse = s − log p of any key; of the largest, whose p cannot underflow
    const lse = subtract(reduceMax(scores), log(reduceMax(p)));
    return { out: batchedMatmul(p, grid.prefix(values, block)), lse };
  });
  const outputs = [
    grid.take(parts.map(({ out }) => out)),
    reshape(grid.take(parts.map(({ lse }) => lse)), q.shape.slice(0, 2)),
  ];
  const inputs = [q, k, v, at.places, at.origins];
  const [out, denominator] = kernel('Attention', inputs, outputs, (g) =>
    g ? attentionGradient(q, k, v, at, attended, g) : [],
  ) as [Value, Value];
  const attended = keep({ out, lse: denominator });
  return attended;
}

/**
 * The cotangents of q, k and v from that of `out`. The weights P are computed again: nothing of the size of the scores
 * is kept from the way forward.
 *
 *   O = P·V, P = softmax(S), S = α·Q·Kᵀ  ⇒  dV = Pᵀ·G, dP = G·Vᵀ, dS = P ∘ (dP − Σ G∘O), dQ = α·dS·K, dK = α·dSᵀ·Q
 *
 * Only a token's cell of origin has a cotangent, so sequences that share a token do not count it twice.
 */
function attentionGradient(q: Value, k: Value, v: Value, at: TokenPlaces, { out, lse }: Attended, g: Value): Value[] {
  const grid = new AttentionGrid(q, k, at);
  const { alpha } = grid;
  const [queries, keys, values] = [grid.cells(q), grid.cells(k), grid.cells(v)];
  const cotangents = grid.put(g);
  const products = reduceSum(multiply(cotangents, grid.cells(out)), [3]);
  let [dk, dv]: (Value | undefined)[] = [];
  const dq = grid.blocks.map((block) => {
    const { query, p } = grid.weights(queries, keys, block);
    const gradient = grid.queries(cotangents, block);
    const dp = batchedMatmul(gradient, grid.prefix(values, block), { transB: true });
    const ds = multiply(p, subtract(dp, grid.queries(products, block)));
    dk = grid.onto(dk, batchedMatmul(ds, query, { transA: true, alpha }), block);
    dv = grid.onto(dv, batchedMatmul(p, gradient, { transA: true }), block);
    return batchedMatmul(ds, grid.prefix(keys, block), { alpha });
  });
  const outputs = [grid.take(dq), grid.sumCells(dk as unknown as Value, k), grid.sumCells(dv as unknown as Value, v)];
  return kernel('AttentionGradient', [q, k, v, at.places, at.origins, out, lse, g], outputs);
}

/**
 * Attention of one new token per sequence over a cache that already holds its key and value. A query row has the bits
 * it has in `attention`: the sum runs over the same keys in the same order, and a masked key adds exactly 0.
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
