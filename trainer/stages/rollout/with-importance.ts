import { zip } from '../../algorithms/zip.ts';
import type { GrpoSettings } from '../../contract/settings/settings.ts';
import { updatesPerRollout } from '../../contract/settings/updates-per-rollout.ts';
import { importanceMetrics, importanceRatios } from '../../losses/importance-sampling.ts';
import { samplingLogpDifference } from '../../losses/policy-metrics.ts';
import type { SampledCompletion } from '../policy/completions.ts';
import type { Metrics } from '../workspace/metrics.ts';
import type { Policy } from '../policy/policy.ts';

type Sampled = Pick<SampledCompletion, 'promptIds' | 'completionIds' | 'oldProbs'>;
/** What the surrogate of each token counts times, where the sampler may not be the policy to the bit. */
export interface Importance {
  readonly importance?: Float32Array;
}

/**
 * Has the trainer say how likely each token of a rollout was, before any update of it, and how far that is from what the sampler said. Where
 * samplers may differ the trainer's own probabilities take the place of theirs, and what they differ by becomes a weight.
 *
 * With one update a rollout and samplers that are equal to the bit the update itself compares them, without a pass more.
 */
export async function withImportance<T extends Sampled>(
  settings: GrpoSettings,
  policy: Policy,
  completions: readonly T[],
): Promise<{ readonly completions: readonly (T & Importance)[]; readonly metrics: Metrics }> {
  const { rollout, sampling } = settings;
  const mayDiffer = rollout.accept === 'mismatch';
  if (!mayDiffer && updatesPerRollout(settings) === 1) return { completions, metrics: {} };
  const trained = await policy.engine.tokenProbabilities(completions, { temperature: sampling.temperature });
  const difference = samplingLogpDifference(
    zip(completions, trained).map(([{ oldProbs }, probs]) => ({ oldProbs, probs })),
  );
  if (!mayDiffer) return { completions, metrics: difference };
  const ratios = zip(completions, trained).map(([{ oldProbs: samplingProbs }, probs]) =>
    importanceRatios({ probs, samplingProbs }, rollout.importanceSampling),
  );
  return {
    completions: zip(zip(completions, trained), ratios).map(([[completion, probs], ofCompletion]) => ({
      ...completion,
      oldProbs: probs,
      importance: probs.map((_, token) => (ofCompletion[token] ?? ofCompletion[0]) as number),
    })),
    metrics: { ...difference, ...importanceMetrics(ratios.flat()) },
  };
}
