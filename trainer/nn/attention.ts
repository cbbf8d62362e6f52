import { type Value, kernel } from '../graph/value.ts';
import { log, multiply, subtract } from '../ops/elementwise.ts';
import { batchedMatmul } from '../ops/linalg.ts';
import { reshape } from '../ops/movement.ts';
import { reduceMax, reduceSum } from '../ops/reduction.ts';
import { AttentionGrid, type TokenPlaces } from './attention-grid.ts';

export type { TokenPlaces };

/**
 * The kernel that computes it, and with `Gradient` behind its name the one of its gradients: ours, or a library's of whole sequences, whose bits
 * are others (docs/decisions/0034-attention-by-cudnn.md).
 */
export type AttentionOp = 'Attention' | 'SequenceAttention';

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
  op: AttentionOp = 'Attention',
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
  const [out, denominator] = kernel(op, inputs, outputs, (g) =>
    g
      ? kernel(`${op}Gradient`, [...inputs, attended.out, attended.lse, g], attentionGradient(q, k, v, at, attended, g))
      : [],
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
function attentionGradient(q: Value, k: Value, v: Value, at: TokenPlaces, { out }: Attended, g: Value): Value[] {
  const grid = new AttentionGrid(q, k, at);
  const { alpha } = grid;
  const [queries, keys, values] = [grid.cells(q), grid.cells(k), grid.cells(v)];
  const [cotangents, products] = [grid.put(g), grid.put(reduceSum(multiply(g, out), [2]))];
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
  return [grid.take(dq), grid.sumCells(dk as unknown as Value, k), grid.sumCells(dv as unknown as Value, v)];
}
