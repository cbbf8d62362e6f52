import type { Value } from '../graph/value.ts';
import { silu } from '../ops/activation.ts';
import { add, multiply } from '../ops/elementwise.ts';
import { gemm } from '../ops/linalg.ts';

/** A linear map `x·weightᵀ + bias`: weight `[out, in]`, bias `[out]` or none. */
export interface Projection {
  readonly weight: Value;
  readonly bias?: Value;
}

/**
 * Gated feed-forward layer with its residual: `x + (silu(h·gateᵀ) ∘ h·upᵀ)·downᵀ`, each product plus its bias.
 * Source: Shazeer, arXiv:2002.05202.
 *
 * @param h the normalised input, `[n, d]`
 * @param residual x, `[n, d]`
 * @param projections gate and up `[f, d]`, down `[d, f]`
 */
export function swiglu(
  h: Value,
  residual: Value,
  { gate, up, down }: Readonly<Record<'gate' | 'up' | 'down', Projection>>,
): Value {
  const gated = multiply(silu(project(h, gate)), project(h, up));
  return project(gated, down, residual);
}

function project(x: Value, { weight, bias }: Projection, c?: Value): Value {
  const y = gemm(x, weight, { transB: true, ...(c && { c }) });
  return bias ? add(y, bias) : y;
}
