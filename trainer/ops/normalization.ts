import { dimension, fixed, times } from '../graph/shape.ts';
import { type AddOnto, type Value, apply, applyAll, kernel, scalar } from '../graph/value.ts';
import { add, multiply, subtract } from './elementwise.ts';
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
 * Source: Zhang and Sennrich, arXiv:1910.07467. A kernel: its rows have the same bits whatever their number.
 *
 * @param x `[…, d]`
 * @param weight γ, `[d]`
 */
export function rmsNorm(x: Value, weight: Value, epsilon: number): Value {
  const [y, r] = kernel(
    'RmsNorm',
    [x, weight, scalar(epsilon)],
    simplifiedLayerNormalization(x, weight, epsilon),
    (g) => (g ? rmsNormGradient(g, x, weight, r as Value) : []),
  );
  return y as Value;
}

/** The norm and its r, `[…, 1]`. ONNX Runtime's `SimplifiedLayerNormalization`. */
export function simplifiedLayerNormalization(x: Value, weight: Value, epsilon: number): Value[] {
  return applyAll('SimplifiedLayerNormalization', [x, weight], [x, { shape: [...x.shape.slice(0, -1), 1] }], {
    attributes: { axis: -1, epsilon: { float: epsilon }, stash_type: 1 },
  });
}

/**
 * Cotangents of x and γ. With u = g∘x, per row:
 *
 *   dx = r·γ∘g − x · r³·(u·γ)/d
 *   dγ = Σ_rows r·u
 *
 * @param r of the way forward, `[…, 1]`
 */
export function rmsNormGradient(g: Value, x: Value, weight: Value, r: Value): [dx: AddOnto, dweight: AddOnto] {
  return [
    { onto: (sum) => rmsNormInputGradient(g, x, weight, r, sum) },
    { onto: (sum) => rmsNormWeightGradient(g, x, r, sum) },
  ];
}

function rmsNormInputGradient(g: Value, x: Value, weight: Value, r: Value, c?: Value): Value {
  const d = fixed(dimension(x.shape, -1));
  const [rows, ofRow] = [flat(multiply(g, x)), flat(r)];
  const slope = multiply(
    multiply(gemm(rows, reshape(weight, [d, 1]), { alpha: 1 / d }), ofRow),
    multiply(ofRow, ofRow),
  );
  const dx = subtract(multiply(multiply(g, weight), r), multiply(x, reshape(slope, r.shape)));
  const inputs = [g, x, weight, r];
  return kernel('RmsNormInputGradient', c ? [...inputs, c] : inputs, [c ? add(c, dx) : dx])[0] as Value;
}

/** The result may lie in the memory of c. */
function rmsNormWeightGradient(g: Value, x: Value, r: Value, c?: Value): Value {
  const d = fixed(dimension(x.shape, -1));
  const u = flat(multiply(g, x));
  // A product is faster than ReduceSum after a pass of its own.
  const dweight = reshape(gemm(flat(r), u, { transA: true, c: c && reshape(c, [1, d]) }), [d]);
  return kernel('RmsNormWeightGradient', c ? [g, x, r, c] : [g, x, r], [dweight])[0] as Value;
}

/** `[rows, d]` */
function flat(x: Value): Value {
  return reshape(x, [x.shape.slice(0, -1).reduce(times, 1), dimension(x.shape, -1)]);
}
