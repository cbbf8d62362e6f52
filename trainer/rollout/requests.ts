import type { RandomKey } from '../algorithms/random.ts';
import type { TokenSampling } from './sampling.ts';
import type { Stops } from './stop-watch.ts';

/** How one completion is sampled. */
export interface CompletionSampling extends TokenSampling {
  readonly maxNewTokens: number;
}

/** Completions wanted of one prompt, which is run through the model once for all of them. */
export interface PromptGroup {
  readonly promptIds: readonly number[];
  readonly samples: readonly Sample[];
}

/** One completion wanted. */
export interface GenerationRequest extends Stops {
  readonly promptIds: readonly number[];
  /** Token t is drawn with the key's uniform number t. */
  readonly key: RandomKey;
  readonly sampling: CompletionSampling;
}

export interface Sample extends Omit<GenerationRequest, 'promptIds'> {
  /** Place in the caller's list. */
  readonly index: number;
}

export interface Completion {
  /** With the stop token, or the one that completed a stop text, where `finish` is 'stop'. */
  readonly tokenIds: number[];
  /** Probability of each token at the sampling temperature (1 where greedy), before top-k and top-p. */
  readonly probs: Float32Array;
  readonly finish: 'stop' | 'length';
}
