import type { Value } from '../graph/value.ts';
import { gemm } from '../ops/linalg.ts';

/** A linear map of low rank that is added to another one. */
export interface Adapter {
  /** `[rank, in]` */
  readonly a: Value;
  /** `[out, rank]` */
  readonly b: Value;
  /** alpha ÷ rank */
  readonly scale: number;
}

/**
 * `scale · (x·Aᵀ)·Bᵀ + c`: what an adapter adds to what its linear map gives.
 * Source: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", arXiv:2106.09685, §4.1.
 *
 * @param x what the map is applied to, `[n, in]`
 * @param c `[n, out]`
 */
export function lowRank(x: Value, { a, b, scale }: Adapter, c?: Value): Value {
  return gemm(gemm(x, a, { transB: true }), b, { transB: true, alpha: scale, c });
}
