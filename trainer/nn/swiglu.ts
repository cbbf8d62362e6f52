import type { Value } from '../graph/value.ts';
import { silu } from '../ops/activation.ts';
import { multiply } from '../ops/elementwise.ts';

/**
 * What a gated feed-forward layer projects down again, `silu(gate) ∘ up`.
 * Source: Shazeer, arXiv:2002.05202.
 *
 * @param gate, up projections of the normalised input, `[n, f]`
 */
export function swiglu(gate: Value, up: Value): Value {
  return multiply(silu(gate), up);
}
