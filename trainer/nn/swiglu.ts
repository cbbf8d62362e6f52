import type { Value } from '../graph/value.ts';
import { silu } from '../ops/activation.ts';
import { multiply } from '../ops/elementwise.ts';
import { gemm } from '../ops/linalg.ts';

/**
 * Gated feed-forward layer with its residual: `x + (silu(h·gateᵀ) ∘ h·upᵀ)·downᵀ`.
 * Source: Shazeer, arXiv:2002.05202.
 *
 * @param h the normalised input, `[n, d]`
 * @param residual x, `[n, d]`
 * @param weights gate and up `[f, d]`, down `[d, f]`
 */
export function swiglu(h: Value, residual: Value, weights: { gate: Value; up: Value; down: Value }): Value {
  const gate = silu(gemm(h, weights.gate, { transB: true }));
  const up = gemm(h, weights.up, { transB: true });
  return gemm(multiply(gate, up), weights.down, { transB: true, c: residual });
}
