import type { PolicyLossSettings, PolicySample } from '../losses/policy-loss.ts';

/** A prompt with a completion. */
export interface TokenSequence {
  readonly promptIds: readonly number[];
  readonly completionIds: readonly number[];
}

/** A whole sequence that a reward model scores at its last token. */
export interface ScoredSequence {
  readonly ids: readonly number[];
}

/** `weights[t]` is the weight of −log p(ids[t + 1]) in the loss; 0 where it is not trained. */
export interface SupervisedSequence {
  readonly ids: readonly number[];
  readonly weights: readonly number[];
}

/** A completion to be reinforced. */
export type PolicySequence = TokenSequence & PolicySample;

export interface PreferencePair {
  readonly chosen: readonly number[];
  readonly rejected: readonly number[];
  readonly weight: number;
  /** By how much the chosen one should score higher. */
  readonly margin: number;
}

/** A response that a reward model learns to score above or below 0. */
export interface LabelledSequence extends ScoredSequence {
  readonly isGood: boolean;
  readonly weight: number;
}

export type PairScores = readonly [chosen: number, rejected: number];

/** What one optimizer step, or one micro-batch of it, learns from. */
export type TrainingBatch = SupervisedBatch | PolicyBatch | PairBatch | LabelledBatch;

export interface SupervisedBatch {
  readonly loss: 'sft';
  readonly sequences: readonly SupervisedSequence[];
}

export interface PolicyBatch {
  readonly loss: 'policy';
  /** Of the sampling. */
  readonly temperature: number;
  readonly settings: PolicyLossSettings;
  readonly sequences: readonly PolicySequence[];
}

export interface PairBatch {
  readonly loss: 'pairwise';
  /** How strongly scores are drawn to a mean of 0. */
  readonly centering: number;
  readonly pairs: readonly PreferencePair[];
}

export interface LabelledBatch {
  readonly loss: 'pointwise';
  readonly sequences: readonly LabelledSequence[];
}
