import { type Value, apply, scalar } from '../graph/value.ts';
import { multiply, subtract, unary } from './elementwise.ts';

/** `σ(a) = 1 ÷ (1 + e⁻ᵃ)`. ONNX `Sigmoid`. */
export function sigmoid(a: Value): Value {
  const y: Value = unary('Sigmoid', a, (g) => multiply(g, multiply(y, subtract(scalar(1), y)))); // σ' = σ·(1 − σ)
  return y;
}

/** `a · σ(a)`, also called swish. `QuickGelu` of com.microsoft with alpha 1: one pass where Sigmoid and Mul take two. */
export function silu(a: Value): Value {
  return apply('QuickGelu', [a], a, { domain: 'com.microsoft', attributes: { alpha: { float: 1 } } });
}

/** `log(1 + eᵃ) = −log σ(−a)`, without overflow. ONNX `Softplus`. */
export function softplus(a: Value): Value {
  return unary('Softplus', a, (g) => multiply(g, sigmoid(a)));
}
