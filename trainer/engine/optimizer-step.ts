import type { AdamWSettings } from '../optim/adamw.ts';
import type { Loss } from '../models/programs.ts';
import type { PairScores } from './sequences.ts';

export interface StepSettings extends AdamWSettings {
  /** 0 turns clipping off. */
  readonly maxGradNorm: number;
}

/** What a step says of the batch, before the update. */
interface StepResults {
  sft: {
    /** Per sequence: the probability of each trained token. */
    readonly probs: Float32Array[];
    /** The largest probability where `probs` has that of the target. */
    readonly top: Float32Array[];
  };
  policy: {
    /** Per sequence: the probability of each completion token. */
    readonly probs: Float32Array[];
  };
  pairwise: {
    /** Per pair. */
    readonly scores: PairScores[];
  };
  pointwise: {
    /** Per sequence. */
    readonly scores: number[];
  };
}

export type StepReport<L extends Loss> = StepResults[L] & {
  readonly loss: number;
  /** L2 norm of the whole gradient before clipping. */
  readonly gradNorm: number;
  /** Tokens that were computed; what completions share counts once in a micro-batch. */
  readonly positions: number;
};

/** Moments, flat over what is trained, and the number of updates they have seen. */
export interface OptimizerState {
  readonly step: number;
  readonly m: Float32Array;
  readonly v: Float32Array;
}
