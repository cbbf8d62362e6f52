import { dimension, fixed, times } from '../graph/shape.ts';
import { type Gradient, type Value, apply, applyAll } from '../graph/value.ts';
import { multiply, subtract } from './elementwise.ts';
import { gemm } from './linalg.ts';
import { reshape } from './movement.ts';
import { reduceSum } from './reduction.ts';

/** Softmax along the last axis. ONNX `Softmax`. */
export function softmax(a: Value): Value {
  const p: Value = apply('Softmax', [a], a, {
    attributes: { axis: -1 },
    // P = softmax(A)  ⇒  dA = P ∘ (G − Σ G∘P)
    gradient: (g) => (g ? [multiply(p, subtract(g, reduceSum(multiply(g, p), [p.shape.length - 1])))] : []),
  });
  return p;
}

/**
 * Root-mean-square norm along the last axis: `x · r · γ` with `r = 1 ÷ √(mean(x²) + ε)`.
 * Source: Zhang and Sennrich, arXiv:1910.07467. `SimplifiedLayerNormalization`, whose second output is r.
 *
 * @param x `[…, d]`
 * @param weight γ, `[d]`
 */
export function rmsNorm(x: Value, weight: Value, epsilon: number): Value {
  const [y, r] = applyAll('SimplifiedLayerNormalization', [x, weight], [x, { shape: [...x.shape.slice(0, -1), 1] }], {
    attributes: { axis: -1, epsilon: { float: epsilon }, stash_type: 1 },
    gradient: (g) => (g ? rmsNormGradient(g, x, weight, r as Value) : []),
  });
  return y as Value;
}

/**
 * With u = g∘x, per row:
 *
 *   dγ = Σ_rows r·u
 *   dx = r·γ∘g − x · r³·(u·γ)/d
 *
 * Both sums are matrix products, which are faster than ReduceSum after a pass of their own.
 */
function rmsNormGradient(gIn: Value, xIn: Value, weight: Value, rIn: Value): ReturnType<Gradient> {
  const d = fixed(dimension(xIn.shape, -1));
  const rows = xIn.shape.slice(0, -1).reduce(times, 1);
  const [g, x, r] = [reshape(gIn, [rows, d]), reshape(xIn, [rows, d]), reshape(rIn, [rows, 1])];
  const u = multiply(g, x);
  const slope = multiply(multiply(gemm(u, reshape(weight, [d, 1]), { alpha: 1 / d }), r), multiply(r, r));
  const dx = subtract(multiply(multiply(g, weight), r), multiply(x, slope));
  return [
    reshape(dx, xIn.shape),
    { onto: (sum) => reshape(gemm(reshape(r, [1, rows]), u, { c: sum && reshape(sum, [1, d]) }), [d]) },
  ];
}
