import { mean } from '../../algorithms/statistics.ts';
import { zip } from '../../algorithms/zip.ts';
import type { GrpoSettings } from '../../contract/settings/settings.ts';
import { updatesPerRollout } from '../../contract/settings/updates-per-rollout.ts';
import { groupAdvantages } from '../../losses/group-advantages.ts';
import { klEstimates } from '../../losses/kl-estimates.ts';
import { policyLossVariants } from '../../losses/policy-loss-variants.ts';
import { completionMetrics, rewardMetrics } from '../../rewards/metrics/metrics.ts';
import { signalMetrics } from '../../rewards/metrics/signal-metrics.ts';
import { inGroups } from '../policy/completions.ts';
import { turnMetrics } from './turn-metrics.ts';
import { type Importance, withImportance } from './with-importance.ts';
import { withTeacher } from './with-teacher.ts';
import { drawGroups, type DrawnGroups, type RolloutRequest, type Scored } from './draw-groups.ts';
import type { Policy } from '../policy/policy.ts';
import type { Metrics } from '../workspace/metrics.ts';

/** A completion with all that was found of it. */
export type JudgedCompletion = Scored & { readonly advantage: number };

/** A completion with all that its updates need, but for its weight in a mini-batch. */
export interface LearnableCompletion
  extends Pick<Scored, 'promptIds' | 'completionIds' | 'sampled' | 'oldProbs' | 'reward'>, Importance {
  readonly advantage: number;
  /** Probability of each token under the reference; absent where nothing uses it. */
  readonly refProbs?: Float32Array;
  /** Of each token: what it has in its advantage beside that of the completion. */
  readonly tokenAdvantages?: Float32Array;
  /** It is not trained. */
  readonly masked?: true;
}

export interface Rollout {
  /** In the order of the prompts, siblings side by side. */
  readonly completions: readonly LearnableCompletion[];
  /** Figures that hold for each of its optimizer steps. */
  readonly metrics: Metrics;
  /** Sampled. */
  readonly tokens: number;
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
 * @returns what updates need, and beside it what people want to see, and all groups that were drawn
 * @throws UserError if no completion can be graded
 */
export async function rollOut(
  policy: Policy,
  request: RolloutRequest,
): Promise<Pick<DrawnGroups, 'drawn'> & { readonly rollout: Rollout; readonly judged: readonly JudgedCompletion[] }> {
  const { kept, drawn, rounds, sampledMs } = await drawGroups(policy, request);
  const { settings, rewards } = request;
  const masked = kept.flat().map((completion) => withMask(settings, completion));
  const { completions: scored, metrics: ofSampler } = await withImportance(settings, policy, masked);
  const referenced = klFromRewards(settings, await withReference(settings, policy, scored));
  const graded = withAdvantages(settings, inGroups(referenced.completions, settings.group));
  const { completions: learnable, metrics: ofTeacher } = await withTeacher(request, policy, graded);
  const tokens = drawn.flat().reduce((sum, completion) => sum + completion.tokens, 0);
  const metrics = {
    ...rewardMetrics(drawn, rewards.names),
    ...signalMetrics(drawn, rewards),
    ...completionMetrics(drawn.flat()),
    ...turnMetrics(settings, drawn.flat()),
    ...referenced.metrics,
    ...ofTeacher,
    ...(settings.dynamicSampling && { num_gen_batches: rounds }),
    ...ofSampler,
    tokens_per_s: (tokens / sampledMs) * 1000,
  };
  const judged = zip(scored, learnable).map(([completion, { advantage }]) => ({ ...completion, advantage }));
  return { rollout: { completions: learnable, metrics, tokens }, judged, drawn };
}

/** A completion that was cut off says little of what it would have come to: where asked for, it counts in its group and is not trained. */
function withMask({ maskTruncated }: GrpoSettings, completion: Scored): Scored & Pick<LearnableCompletion, 'masked'> {
  return maskTruncated && !completion.terminated ? { ...completion, masked: true } : completion;
}

/** @param groups completions by prompt */
export function withAdvantages(
  { advantageEpsilon: epsilon, loss, scaleRewards: scale = policyLossVariants[loss].scaleRewards }: GrpoSettings,
  groups: readonly (readonly Omit<LearnableCompletion, 'advantage'>[])[],
): LearnableCompletion[] {
  const rewards = groups.map((group) => withoutLone(group.map(({ reward }) => reward)));
  const advantages = groupAdvantages(rewards, { epsilon, scale });
  const learned = zip(zip(groups.flat(), rewards.flat()), advantages.flat());
  return learned.map(
    ([[{ promptIds, completionIds, sampled, oldProbs, importance, refProbs, masked }, reward], advantage]) => ({
      promptIds,
      completionIds,
      ...(sampled && { sampled }),
      oldProbs,
      ...(importance && { importance }),
      ...(refProbs && { refProbs }),
      ...(masked && { masked }),
      reward,
      advantage,
    }),
  );
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
