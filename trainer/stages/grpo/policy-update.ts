import { learningRateAt } from '../../algorithms/schedule.ts';
import { zip } from '../../algorithms/zip.ts';
import type { GrpoSettings } from '../../contract/settings/settings.ts';
import { updatesPerRollout } from '../../contract/settings/updates-per-rollout.ts';
import type { PolicyLossSettings } from '../../losses/policy-loss.ts';
import { policyLossVariants } from '../../losses/policy-loss-variants.ts';
import { policyMetrics, samplingLogpDifference } from '../../losses/policy-metrics.ts';
import { oldProbsAtSequenceRatio } from '../../losses/sequence-ratio.ts';
import { sequenceWeights } from '../../losses/sequence-weights.ts';
import type { Metrics } from '../workspace/metrics.ts';
import type { Policy } from '../policy/policy.ts';
import type { LearnableCompletion } from '../rollout/rollout.ts';
import { entropyTerms, type WeightedCompletion } from '../rollout/with-entropy.ts';

/** One optimizer step on a mini-batch of whole groups. */
export async function updatePolicy(
  settings: GrpoSettings,
  policy: Policy,
  completions: readonly LearnableCompletion[],
  step: number,
): Promise<Metrics> {
  const { loss, sampling, optimizer } = settings;
  const lengths = completions.map(({ oldProbs, reward, masked = false }) =>
    reward === undefined || masked ? 0 : oldProbs.length,
  );
  const weights = sequenceWeights(lengths, { loss, maxNewTokens: sampling.maxNewTokens });
  const weighted = zip(completions, weights).map(([completion, weight]) => ({ ...completion, weight }));
  const onPolicy = updatesPerRollout(settings) === 1;
  const { coefficient, focus } = await entropyTerms(settings, policy, weighted);
  const lossSettings = policyLossSettings(settings, coefficient !== 0);
  const teachers = teaching(
    weighted,
    coefficient !== 0 || lossSettings.klCoefficient > 0 || settings.distillation !== undefined,
  );
  // On the policy that sampled them all ratios are 1, the completion's as well as the token's.
  const sequences = (onPolicy ? teachers : await withRatios(settings, policy, teachers)).map((sequence, index) => ({
    ...focus(teachers[index] as WeightedCompletion),
    oldProbs: sequence.oldProbs,
  }));
  const learningRate = learningRateAt(settings.schedule, settings.learningRate, step + 1, settings.steps);
  const report = await policy.train(
    {
      loss: 'policy',
      sequences,
      temperature: sampling.temperature,
      settings: lossSettings,
    },
    learningRate,
    optimizer,
  );
  const trained = zip(sequences, report.probs).map(([sequence, probs]) => ({ ...sequence, probs }));
  const taught = new Set(teachers);
  const left = onPolicy ? weighted.filter((sequence) => !taught.has(sequence)) : [];
  return {
    // On the policy that sampled them, the others have the probabilities that they were sampled with.
    ...policyMetrics(
      [...trained, ...left.map((sequence) => ({ ...sequence, probs: sequence.oldProbs }))],
      lossSettings,
    ),
    ...(onPolicy && settings.rollout.accept === 'equal' && samplingLogpDifference(trained)),
    ...(settings.entropy.coefficient > 0 && { entropy_coef: coefficient }),
    loss: report.loss,
    grad_norm: report.gradNorm,
    learning_rate: learningRate,
  };
}

/** The loss that the settings ask for. */
function policyLossSettings({ clip, kl, loss }: GrpoSettings, entropy: boolean): PolicyLossSettings {
  const { estimator, biasCorrection } = kl;
  const { surrogate } = policyLossVariants[loss];
  const klCoefficient = kl.place === 'loss' ? kl.coefficient : 0;
  return { clip, klCoefficient, form: { surrogate, kl: { estimator, biasCorrection }, entropy } };
}

/** Where the ratio is that of the completion, it needs all of its tokens before any of them is trained: a pass more. */
async function withRatios<T extends Pick<LearnableCompletion, 'promptIds' | 'completionIds' | 'sampled' | 'oldProbs'>>(
  { loss, sampling: { temperature } }: GrpoSettings,
  policy: Policy,
  completions: readonly T[],
): Promise<readonly T[]> {
  if (policyLossVariants[loss].ratio === 'token') return completions;
  const probs = await policy.engine.tokenProbabilities(completions, { temperature });
  return zip(completions, probs).map(([completion, now]) => ({
    ...completion,
    oldProbs: oldProbsAtSequenceRatio(now, completion.oldProbs),
  }));
}

/**
 * The completions whose gradient is not 0 in any case: without a KL term or a bonus for entropy those with an advantage, which groups that
 * score alike have not. One at least, for a step without a gradient still moves the weights by what the optimizer remembers.
 */
function teaching<T extends { readonly advantage: number; readonly weight: number }>(
  completions: readonly T[],
  allDo: boolean,
): readonly T[] {
  const some = completions.filter(({ advantage, weight }) => weight !== 0 && (allDo || advantage !== 0));
  return some.length > 0 ? some : completions.slice(0, 1);
}
