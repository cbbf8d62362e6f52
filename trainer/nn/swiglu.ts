import { type Value, kernel, scalar } from '../graph/value.ts';
import { sigmoid, silu } from '../ops/activation.ts';
import { add, multiply, subtract } from '../ops/elementwise.ts';

/**
 * What a gated feed-forward layer projects down again, `silu(gate) ∘ up`.
 * Source: Shazeer, arXiv:2002.05202.
 *
 * @param gate, up projections of the normalised input, `[n, f]`
 */
export function swiglu(gate: Value, up: Value): Value {
  const [y] = kernel('SwiGlu', [gate, up], [multiply(silu(gate), up)], (g) => (g ? swigluGradient(gate, up, g) : []));
  return y as Value;
}

/** With σ = sigmoid(gate) and s = silu(gate) = gate∘σ: s' = σ + s∘(1 − σ), so dgate = g∘up∘s' and dup = g∘s. */
function swigluGradient(gate: Value, up: Value, g: Value): Value[] {
  const [sigma, s] = [sigmoid(gate), silu(gate)];
  const slope = add(multiply(subtract(scalar(1), sigma), s), sigma);
  return kernel('SwiGluGradient', [gate, up, g], [multiply(multiply(g, up), slope), multiply(g, s)]);
}
