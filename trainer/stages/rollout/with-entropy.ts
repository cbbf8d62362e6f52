import { mean } from '../../algorithms/statistics.ts';
import { zip } from '../../algorithms/zip.ts';
import type { GrpoSettings } from '../../contract/settings/settings.ts';
import { boundedLog } from '../../losses/bounded-ratio.ts';
import { entropySign, highEntropyTokens } from '../../losses/entropy-terms.ts';
import type { Policy } from '../policy/policy.ts';
import type { LearnableCompletion } from './rollout.ts';

/** A completion with its place in the loss of one step. */
export type WeightedCompletion = LearnableCompletion & { readonly weight: number };

/** The same, token by token. */
export type FocusedCompletion = Omit<WeightedCompletion, 'advantage'> & {
  readonly advantage: number | readonly number[];
  readonly entropyWeight?: readonly number[];
};

/** What the entropy of tokens comes to in the loss of one step. */
export interface EntropyTerms {
  /** Of the mean entropy of the tokens that have a bonus: 0 for none, below 0 where there is too much of it. */
  readonly coefficient: number;
  readonly focus: (completion: WeightedCompletion) => FocusedCompletion;
}

/**
 * Chooses the tokens that learn, all or those of high entropy, and gives them their bonus.
 *
 * @param completions all of a step: shares and means are over the tokens of those that count
 */
export async function entropyTerms(
  { entropy: { coefficient: size, band, topQuantile }, sampling: { temperature } }: GrpoSettings,
  policy: Policy,
  completions: readonly WeightedCompletion[],
): Promise<EntropyTerms> {
  const coefficient = size === 0 ? 0 : size * entropySign(sampledEntropy(completions), band);
  if (coefficient === 0 && topQuantile === 1) {
    return {
      coefficient,
      focus: (completion) =>
        completion.tokenAdvantages || completion.importance
          ? { ...completion, advantage: ofTokens(completion) }
          : completion,
    };
  }

  const counted = completions.filter(({ weight }) => weight !== 0);
  const chosen =
    topQuantile === 1
      ? counted.map(({ oldProbs }) => Array.from(oldProbs, () => true))
      : highEntropyTokens(await policy.engine.tokenEntropies(counted, { temperature }), topQuantile);
  const tokens = chosen.flat().filter(Boolean).length;
  const chosenOf = new Map(zip(counted, chosen));
  return {
    coefficient,
    focus(completion) {
      const learning = chosenOf.get(completion) ?? Array.from(completion.oldProbs, () => false);
      return {
        ...completion,
        advantage: zip(learning, ofTokens(completion)).map(([learns, advantage]) => (learns ? advantage : 0)),
        entropyWeight: learning.map((learns) => (learns ? coefficient / tokens : 0)),
      };
    },
  };
}

/** The advantage of each token. All surrogates are linear in it, so that it takes what their loss counts times. */
function ofTokens({ advantage, tokenAdvantages, importance, oldProbs }: WeightedCompletion): number[] {
  return Array.from(oldProbs, (_, token) => (importance?.[token] ?? 1) * (advantage + (tokenAdvantages?.[token] ?? 0)));
}

/** Mean of −log π over the sampled tokens. */
function sampledEntropy(completions: readonly WeightedCompletion[]): number {
  return mean(completions.flatMap(({ oldProbs }) => Array.from(oldProbs, (prob) => -boundedLog(prob))));
}
