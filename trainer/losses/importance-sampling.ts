import type { GrpoSettings } from '../contract/settings/settings.ts';
import { boundedLog } from './bounded-ratio.ts';

/** What a sampler that is not the trainer's policy to the bit is made up for with. */
export type ImportanceSampling = GrpoSettings['rollout']['importanceSampling'];

/** A completion's tokens under the policy that is trained, before its update, and under the one that sampled. */
export interface SampledElsewhere {
  readonly probs: ArrayLike<number>;
  readonly samplingProbs: ArrayLike<number>;
}

interface Mode {
  /** A ratio for each token, or one for all of them: the product of theirs. */
  readonly of: 'token' | 'sequence';
  readonly bounded: (ratio: number, clipMax: number) => number;
}

const truncate: Mode['bounded'] = (ratio, clipMax) => Math.min(ratio, clipMax);
const mask: Mode['bounded'] = (ratio, clipMax) => (ratio > clipMax ? 0 : ratio);

const modes: Readonly<Record<ImportanceSampling['mode'], Mode>> = {
  token_truncate: { of: 'token', bounded: truncate },
  token_mask: { of: 'token', bounded: mask },
  sequence_truncate: { of: 'sequence', bounded: truncate },
  sequence_mask: { of: 'sequence', bounded: mask },
};

/**
 * The ratios that the surrogate of each token counts times, so that its expectation is that of the policy that is trained:
 *
 *   w = min(π_train / π_sample, C)
 *
 * Equal bits give exactly 1. Sources: truncated importance sampling, Yao et al. 2025 (“Your efficient RL framework secretly brings you
 * off-policy RL training”); names and modes are those of `vllm_importance_sampling_mode` and `…_clip_max` of TRL.
 *
 * @returns one number for each token, or one in all, as the mode has it
 */
export function importanceRatios(
  { probs, samplingProbs }: SampledElsewhere,
  { mode, clipMax }: ImportanceSampling,
): readonly number[] {
  const differences = Array.from(probs, (prob, token) => boundedLog(prob) - boundedLog(samplingProbs[token]));
  const { of, bounded } = modes[mode];
  const logs = of === 'token' ? differences : [differences.reduce((sum, each) => sum + each, 0)];
  return logs.map((log) => bounded(Math.exp(log), clipMax));
}

/** Of the ratios of a rollout, as TRL has them. */
export function importanceMetrics(ratios: readonly number[]): Record<string, number> {
  const [sum, min, max] = ratios.reduce(
    ([of, least, most], ratio) => [of + ratio, Math.min(least, ratio), Math.max(most, ratio)] as const,
    [0, Infinity, -Infinity] as readonly [number, number, number],
  );
  const any = ratios.length > 0;
  return {
    'sampling/importance_sampling_ratio/min': any ? min : 0,
    'sampling/importance_sampling_ratio/mean': any ? sum / ratios.length : 0,
    'sampling/importance_sampling_ratio/max': any ? max : 0,
  };
}
