import { type Dimension, dimension, fixed } from '../graph/shape.ts';
import { type Value, composite } from '../graph/value.ts';
import { batchedMatmul, gemm } from '../ops/linalg.ts';
import { reshape, transpose } from '../ops/movement.ts';

/** `[rows · length, heads · headDim]` to `[rows, heads, length, headDim]`. */
export function splitHeads(x: Value, rows: Dimension, length: Dimension, heads: number): Value {
  const headDim = fixed(dimension(x.shape, 1)) / heads;
  return transpose(reshape(x, [rows, length, heads, headDim]), [0, 2, 1, 3]);
}

/** `[rows, heads, length, headDim]` to `[rows · length, heads · headDim]`. */
export function mergeHeads(x: Value, tokens: Dimension): Value {
  const [heads, headDim] = [fixed(dimension(x.shape, 1)), fixed(dimension(x.shape, 3))];
  return reshape(transpose(x, [0, 2, 1, 3]), [tokens, heads * headDim]);
}

/**
 * Projects tokens and deals the result to heads, `[rows, heads, length, headDim]`: one product per head, so that no
 * transposed copy is made on the way forward.
 *
 * @param x `[rows · length, d]`
 * @param weight `[heads · headDim, d]`
 */
export function projectToHeads(x: Value, weight: Value, rows: Dimension, length: Dimension, heads: number): Value {
  const [tokens, d] = [dimension(x.shape, 0), fixed(dimension(x.shape, 1))];
  const headDim = fixed(dimension(weight.shape, 0)) / heads;
  const y = batchedMatmul(reshape(x, [rows, 1, length, d]), reshape(weight, [1, heads, headDim, d]), { transB: true });
  // as for the product of matrices: dX = G·W, dW = Gᵀ·X
  const [output] = composite('ProjectToHeads', [x, weight], [y], (gHeads) => {
    if (gHeads === undefined) return [];
    const g = mergeHeads(gHeads, tokens);
    return [{ onto: (sum) => gemm(g, weight, { c: sum }) }, { onto: (sum) => gemm(g, x, { transA: true, c: sum }) }];
  });
  return output as Value;
}
