import { learningRateAt } from '../algorithms/schedule.ts';
import { zip } from '../algorithms/zip.ts';
import type { GrpoSettings } from '../contract/settings.ts';
import { updatesPerRollout } from '../contract/updates-per-rollout.ts';
import { policyMetrics, samplingLogpDifference } from '../losses/policy-metrics.ts';
import { sequenceWeights } from '../losses/sequence-weights.ts';
import type { Metrics } from './metrics.ts';
import type { Policy } from './policy.ts';
import type { LearnableCompletion } from './rollout.ts';

/** One optimizer step on a mini-batch of whole groups. */
export async function updatePolicy(
  settings: GrpoSettings,
  policy: Policy,
  completions: readonly LearnableCompletion[],
  step: number,
): Promise<Metrics> {
  const { clip, kl, loss, sampling, optimizer } = settings;
  const lengths = completions.map(({ completionIds, reward }) => (reward === undefined ? 0 : completionIds.length));
  const weights = sequenceWeights(lengths, { loss, maxNewTokens: sampling.maxNewTokens });
  const weighted = zip(completions, weights).map(([completion, weight]) => ({ ...completion, weight }));
  const sequences = teaching(weighted, kl.coefficient);
  const learningRate = learningRateAt(settings.schedule, settings.learningRate, step + 1, settings.steps);
  const report = await policy.train(
    {
      loss: 'policy',
      sequences,
      temperature: sampling.temperature,
      settings: { clip, klCoefficient: kl.coefficient },
    },
    learningRate,
    optimizer,
  );
  const trained = zip(sequences, report.probs).map(([sequence, probs]) => ({ ...sequence, probs }));
  const onPolicy = updatesPerRollout(settings) === 1;
  const taught = new Set(sequences);
  const left = onPolicy ? weighted.filter((sequence) => !taught.has(sequence)) : [];
  return {
    // On the policy that sampled them, the others have the probabilities that they were sampled with.
    ...policyMetrics([...trained, ...left.map((sequence) => ({ ...sequence, probs: sequence.oldProbs }))], settings),
    ...(onPolicy && samplingLogpDifference(trained)),
    loss: report.loss,
    grad_norm: report.gradNorm,
    learning_rate: learningRate,
  };
}

/**
 * The completions whose gradient is not 0 in any case: without a KL term those with an advantage, which groups that score alike have
 * not. One at least, for a step without a gradient still moves the weights by what the optimizer remembers.
 */
function teaching<T extends { readonly advantage: number; readonly weight: number }>(
  completions: readonly T[],
  klCoefficient: number,
): readonly T[] {
  const some = completions.filter(({ advantage, weight }) => weight !== 0 && (klCoefficient > 0 || advantage !== 0));
  return some.length > 0 ? some : completions.slice(0, 1);
}
