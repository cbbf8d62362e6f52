import { randomKey } from '../algorithms/random.ts';
import { mean } from '../algorithms/statistics.ts';
import { zip } from '../algorithms/zip.ts';
import type { Row } from '../contract/dataset.ts';
import type { GrpoSettings } from '../contract/settings.ts';
import { updatesPerRollout } from '../contract/updates-per-rollout.ts';
import { promptBatch } from '../data/prompt-order.ts';
import type { RowList } from '../data/row-list.ts';
import { groupAdvantages } from '../losses/group-advantages.ts';
import { klEstimates } from '../losses/kl-estimates.ts';
import { policyLossVariants } from '../losses/policy-loss-variants.ts';
import { type SampledTwice, samplingLogpDifference } from '../losses/policy-metrics.ts';
import type { Rewards, ScoredCompletion } from '../rewards/create-rewards.ts';
import { completionMetrics, rewardMetrics } from '../rewards/metrics.ts';
import { completeRows, inGroups, type SampledCompletion } from './completions.ts';
import type { Policy } from './policy.ts';
import type { Metrics } from './metrics.ts';
import { requireGraded } from './require-graded.ts';

type Scored = SampledCompletion & ScoredCompletion;

/** A completion with all that was found of it. */
export type JudgedCompletion = Scored & { readonly advantage: number };

/** A completion with all that its updates need, but for its weight in a mini-batch. */
export interface LearnableCompletion extends Pick<Scored, 'promptIds' | 'completionIds' | 'oldProbs' | 'reward'> {
  readonly advantage: number;
  /** Probability of each token under the reference; absent where nothing uses it. */
  readonly refProbs?: Float32Array;
}

export interface Rollout {
  /** In the order of the prompts, siblings side by side. */
  readonly completions: readonly LearnableCompletion[];
  /** Figures that hold for each of its optimizer steps. */
  readonly metrics: Metrics;
  /** Sampled. */
  readonly tokens: number;
}

export interface RolloutRequest {
  readonly settings: GrpoSettings;
  readonly seed: number;
  /** Name of the stage; random numbers depend on it. */
  readonly stage: string;
  readonly rewards: Rewards;
  readonly prompts: RowList;
  /** Optimizer steps before it; a rollout follows only on a whole one. */
  readonly step: number;
}

/** What each optimizer step of a rollout learns from: its mini-batches of whole groups, epoch after epoch. */
export function miniBatches({ completions }: Rollout, settings: GrpoSettings): (readonly LearnableCompletion[])[] {
  const size = settings.promptsPerStep * settings.group;
  return Array.from({ length: updatesPerRollout(settings) }, (_, update) => {
    const start = (update % settings.stepsPerRollout) * size;
    return completions.slice(start, start + size);
  });
}

/**
 * Samples groups, scores them, and turns rewards into advantages.
 *
 * @returns what updates need, and beside it what people want to see
 * @throws UserError if no completion can be graded
 */
export async function rollOut(
  policy: Policy,
  { settings, seed, stage, rewards, prompts, step }: RolloutRequest,
): Promise<{ readonly rollout: Rollout; readonly judged: readonly JudgedCompletion[] }> {
  const startedMs = performance.now();
  const index = step / updatesPerRollout(settings);
  const size = settings.promptsPerStep * settings.stepsPerRollout;
  const rows = promptBatch(prompts, seed, index * size, size);
  // The place of the row in the rollout is part of the key: a small dataset may come twice.
  const key = (row: Row, sample: number, place: number) =>
    randomKey(seed, stage, 'rollout', index, place, row.id, sample);
  const sampled = (await completeRows(policy, rows, settings.group, settings.sampling, key)).flat();
  const sampledMs = performance.now();
  const scored = await rewards.score(sampled, step + 1);
  requireGraded(step + 1, scored);
  const groups = inGroups(scored, settings.group);

  const referenced = klFromRewards(settings, await withReference(settings, policy, scored));
  const learnable = withAdvantages(settings, inGroups(referenced.completions, settings.group));
  const tokens = scored.reduce((sum, completion) => sum + completion.tokens, 0);
  const metrics = {
    ...rewardMetrics(groups, rewards.names),
    ...completionMetrics(scored),
    ...referenced.metrics,
    ...(updatesPerRollout(settings) > 1 && (await compareWithSampler(settings, policy, scored))),
    tokens_per_s: (tokens / (sampledMs - startedMs)) * 1000,
  };
  const judged = zip(scored, learnable).map(([completion, { advantage }]) => ({ ...completion, advantage }));
  return { rollout: { completions: learnable, metrics, tokens }, judged };
}

/** @param groups completions by prompt */
export function withAdvantages(
  { advantageEpsilon: epsilon, loss, scaleRewards: scale = policyLossVariants[loss].scaleRewards }: GrpoSettings,
  groups: readonly (readonly Omit<LearnableCompletion, 'advantage'>[])[],
): LearnableCompletion[] {
  const rewards = groups.map((group) => withoutLone(group.map(({ reward }) => reward)));
  const advantages = groupAdvantages(rewards, { epsilon, scale });
  const learned = zip(zip(groups.flat(), rewards.flat()), advantages.flat());
  return learned.map(([[{ promptIds, completionIds, oldProbs, refProbs }, reward], advantage]) => ({
    promptIds,
    completionIds,
    oldProbs,
    ...(refProbs && { refProbs }),
    reward,
    advantage,
  }));
}

/** A group of which one completion alone has a reward has nothing to compare it with: it is left out as a whole. */
function withoutLone(rewards: readonly (number | undefined)[]): readonly (number | undefined)[] {
  return rewards.filter((reward) => reward !== undefined).length < 2 ? rewards.map(() => undefined) : rewards;
}

/** Adds the probabilities of the reference policy where there is one. */
export async function withReference<T extends Omit<LearnableCompletion, 'advantage'>>(
  { sampling: { temperature } }: GrpoSettings,
  policy: Policy,
  completions: readonly T[],
): Promise<(T & Pick<LearnableCompletion, 'refProbs'>)[]> {
  if (!policy.hasReference) return [...completions];
  const reference = await policy.engine.tokenProbabilities(completions, { set: 'reference', temperature });
  return zip(completions, reference).map(([completion, refProbs]) => ({ ...completion, refProbs }));
}

/**
 * Takes the KL to the reference from rewards where the settings have it there, as `apply_kl_penalty` of verl does: β times the estimates of
 * the tokens of a completion, under the policy that sampled it.
 */
export function klFromRewards<T extends Omit<LearnableCompletion, 'advantage'>>(
  { kl }: Pick<GrpoSettings, 'kl'>,
  completions: readonly T[],
): { readonly completions: readonly T[]; readonly metrics: Metrics } {
  if (kl.place === 'loss' || kl.coefficient === 0) return { completions, metrics: {} };
  const estimate = klEstimates[kl.estimator].number;
  const estimates = completions.map(({ oldProbs, refProbs }) =>
    zip([...oldProbs], [...(refProbs ?? [])]).map(([prob, refProb]) => estimate(prob, refProb)),
  );
  return {
    completions: zip(completions, estimates).map(([completion, ofTokens]) =>
      completion.reward === undefined
        ? completion
        : { ...completion, reward: completion.reward - kl.coefficient * sumOf(ofTokens) },
    ),
    metrics: { reward_kl_penalty: mean(estimates.map(mean)) },
  };
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** With several updates a rollout, only the first would compare equal weights; so this compares before any of them. */
async function compareWithSampler(
  { sampling: { temperature } }: GrpoSettings,
  policy: Policy,
  completions: readonly SampledCompletion[],
): Promise<Metrics> {
  const trained = await policy.engine.tokenProbabilities(completions, { temperature });
  return samplingLogpDifference(
    zip(completions, trained).map(([{ oldProbs }, probs]): SampledTwice => ({ oldProbs, probs })),
  );
}
