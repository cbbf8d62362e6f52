import type { AdamWSettings } from '../optim/adamw.ts';
import type { PairScores } from './sequences.ts';

export interface StepSettings extends AdamWSettings {
  /** 0 turns clipping off. */
  readonly maxGradNorm: number;
}

export interface StepReport {
  readonly loss: number;
  /** L2 norm of the whole gradient before clipping. */
  readonly gradNorm: number;
  /** Per sequence, before the update: the probability of each completion token (policy) or trained token (sft). */
  readonly probs: Float32Array[];
  /** Positions that were computed, padding included. */
  readonly positions: number;
  /** sft: the largest probability where `probs` has that of the target. */
  readonly top?: Float32Array[];
  /** pairwise, per pair: scores before the update. */
  readonly scores?: PairScores[];
}

/** Moments and the number of updates they have seen. */
export interface OptimizerState {
  readonly step: number;
  readonly m: Float32Array;
  readonly v: Float32Array;
}
