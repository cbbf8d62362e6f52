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
export interface PolicySequence extends TokenSequence {
  /** Per completion token: its probability when it was sampled. */
  readonly oldProbs: Float32Array;
  /** Per completion token: its probability under the reference; not needed without a KL term. */
  readonly refProbs?: Float32Array;
  readonly advantage: number;
  /** Weight of each of its tokens in the loss: one over the normaliser. */
  readonly weight: number;
}

export interface PreferencePair {
  readonly chosen: readonly number[];
  readonly rejected: readonly number[];
  readonly weight: number;
}

export type PairScores = readonly [chosen: number, rejected: number];

/** Settings of the clipped policy loss with a KL penalty. */
export interface PolicyLoss {
  readonly inverseTemperature: number;
  /** Ratios are clipped to `ratioLow … ratioHigh`. */
  readonly ratioLow: number;
  readonly ratioHigh: number;
  readonly klCoefficient: number;
}

/** What one optimizer step, or one micro-batch of it, learns from. */
export type TrainingBatch = SupervisedBatch | PolicyBatch | PairBatch;

export interface SupervisedBatch {
  readonly loss: 'sft';
  readonly sequences: readonly SupervisedSequence[];
}

export interface PolicyBatch extends PolicyLoss {
  readonly loss: 'policy';
  readonly sequences: readonly PolicySequence[];
}

export interface PairBatch {
  readonly loss: 'pairwise';
  readonly pairs: readonly PreferencePair[];
}
