import { boundedLog } from './bounded-ratio.ts';
import { plainForm, policyLoss, type PolicyLossSettings, tokenLosses, type TrainedSample } from './policy-loss.ts';

/**
 * Metrics of one policy update from probabilities alone, each the mean over its tokens:
 *
 * - `policy_loss`: the loss without its KL term
 * - `kl`: estimate of KL(policy ‖ reference), as the loss has it; absent without reference probabilities
 * - `entropy`: mean of −log π over the sampled tokens, an unbiased estimate when sampling at temperature 1 without
 *   truncation
 * - `clip_ratio/low_mean`: tokens whose ratio is under 1 − low at a negative advantage, so that clipping stops their
 *   gradient; `high_mean` over 1 + high at a positive one; `region_mean` either
 * - `clip_ratio/dual_mean`: tokens whose ratio is over the dual clip at a negative advantage; absent without one
 * - `cispo_clip_ratio` instead of all of these with `cispo`: tokens whose ratio counts as 1 + high at a positive advantage
 */
export function policyMetrics(
  samples: readonly TrainedSample[],
  settings: Omit<PolicyLossSettings, 'klCoefficient'>,
): Record<string, number> {
  const { clip, form = plainForm } = settings;
  let [tokens, kl, referenced, surprise, low, high, dual] = [0, 0, 0, 0, 0, 0, 0];
  for (const sample of samples) {
    for (const { prob, ratio, advantage, kl: estimate } of tokenLosses(sample, settings)) {
      tokens++;
      surprise -= boundedLog(prob);
      if (ratio < 1 - clip.low && advantage < 0) low++;
      if (ratio > 1 + clip.high && advantage > 0) high++;
      if (clip.dual !== undefined && ratio > clip.dual && advantage < 0) dual++;
      if (estimate === undefined) continue;
      kl += estimate;
      referenced++;
    }
  }
  const perToken = (sum: number) => (tokens === 0 ? 0 : sum / tokens);
  return {
    policy_loss: policyLoss(samples, { ...settings, klCoefficient: 0 }),
    ...(referenced > 0 && { kl: kl / referenced }),
    entropy: perToken(surprise),
    ...(form.surrogate === 'cispo'
      ? { cispo_clip_ratio: perToken(high) }
      : {
          'clip_ratio/low_mean': perToken(low),
          'clip_ratio/high_mean': perToken(high),
          'clip_ratio/region_mean': perToken(low + high),
          ...(clip.dual !== undefined && { 'clip_ratio/dual_mean': perToken(dual) }),
        }),
  };
}

/** A completion's tokens under the sampler and under the trainer, with the same weights. */
export interface SampledTwice {
  readonly oldProbs: ArrayLike<number>;
  readonly probs: ArrayLike<number>;
}

/**
 * How far the sampler's log-probabilities are from the trainer's for the same weights and tokens, in nats. One engine
 * serves both, so both numbers are 0 or rounding; a missing probability makes them NaN.
 */
export function samplingLogpDifference(completions: readonly SampledTwice[]): Record<string, number> {
  let [sum, max, tokens] = [0, 0, 0];
  for (const { oldProbs, probs } of completions) {
    for (let t = 0; t < oldProbs.length; t++) {
      const difference = Math.abs(boundedLog(oldProbs[t]) - boundedLog(probs[t]));
      sum += difference;
      max = Math.max(max, difference);
      tokens++;
    }
  }
  return {
    'sampling/sampling_logp_difference/mean': tokens === 0 ? 0 : sum / tokens,
    'sampling/sampling_logp_difference/max': max,
  };
}
