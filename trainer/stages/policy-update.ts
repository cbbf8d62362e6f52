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
  const sequences = zip(completions, weights).map(([completion, weight]) => ({ ...completion, weight }));
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
  return {
    ...policyMetrics(trained, settings),
    ...(updatesPerRollout(settings) === 1 && samplingLogpDifference(trained)),
    loss: report.loss,
    grad_norm: report.gradNorm,
    learning_rate: learningRate,
  };
}
