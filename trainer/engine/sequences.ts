import type { PolicyLossSettings, PolicySample } from '../losses/policy-loss.ts';

/** Places of tokens, `to` not among them. */
export type Span = readonly [from: number, to: number];

/** A prompt with what follows it. */
export interface TokenSequence {
  readonly promptIds: readonly number[];
  readonly completionIds: readonly number[];
  /**
   * Places in `completionIds` of what the model wrote itself, ascending and apart; all of them when absent. Between them stands what it was
   * told, which later tokens are predicted from and which is predicted nowhere. What is given or found of each token is of these alone.
   */
  readonly sampled?: readonly Span[] | undefined;
}

/** Places in `completionIds` of the tokens that are predicted. */
export function predictedPlaces({ completionIds, sampled }: Omit<TokenSequence, 'promptIds'>): number[] {
  if (sampled === undefined) return [...completionIds.keys()];
  return sampled.flatMap(([from, to]) => Array.from({ length: to - from }, (_, index) => from + index));
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
