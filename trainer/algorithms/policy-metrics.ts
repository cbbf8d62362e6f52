import { k3, policyLoss, type PolicyLossSettings, type PolicySequence } from './policy-loss.ts';

/**
 * Metrics of one policy update from probabilities alone, each the mean over its tokens:
 *
 * - `policy_loss`: the loss without its KL term
 * - `kl`: k3 estimate of KL(policy ‖ reference); absent without reference probabilities
 * - `entropy`: mean of −log π over the sampled tokens, an unbiased estimate when sampling at temperature 1 without
 *   truncation
 * - `clip_ratio/low_mean`: tokens whose ratio is under 1 − low at a negative advantage, so that clipping stops their
 *   gradient; `high_mean` over 1 + high at a positive one; `region_mean` either
 */
export function policyMetrics(
  sequences: readonly PolicySequence[],
  { clip }: Pick<PolicyLossSettings, 'clip'>,
): Record<string, number> {
  let [tokens, kl, referenced, surprise, low, high] = [0, 0, 0, 0, 0, 0];
  for (const { probs, oldProbs, refProbs, advantage, weight } of sequences) {
    if (weight === 0) continue;
    for (let t = 0; t < probs.length; t++) {
      const [prob, oldProb, refProb] = [probs[t] as number, oldProbs[t] as number, refProbs?.[t]];
      const ratio = prob / oldProb;
      tokens++;
      surprise -= Math.log(prob);
      if (ratio < 1 - clip.low && advantage < 0) low++;
      if (ratio > 1 + clip.high && advantage > 0) high++;
      if (refProb === undefined) continue;
      kl += k3(prob, refProb);
      referenced++;
    }
  }
  const perToken = (sum: number) => (tokens === 0 ? 0 : sum / tokens);
  return {
    policy_loss: policyLoss(sequences, { clip, klCoefficient: 0 }),
    ...(referenced > 0 && { kl: kl / referenced }),
    entropy: perToken(surprise),
    'clip_ratio/low_mean': perToken(low),
    'clip_ratio/high_mean': perToken(high),
    'clip_ratio/region_mean': perToken(low + high),
  };
}

/**
 * How far the sampler's log-probabilities are from the trainer's for the same weights and tokens, in nats. One engine
 * serves both, so both numbers are 0 or rounding.
 */
export function samplingLogpDifference(
  sampled: readonly ArrayLike<number>[],
  trained: readonly ArrayLike<number>[],
): Record<string, number> {
  let [sum, max, tokens] = [0, 0, 0];
  for (const [index, probs] of sampled.entries()) {
    for (let t = 0; t < probs.length; t++) {
      const difference = Math.abs(Math.log(probs[t] as number) - Math.log(trained[index]?.[t] as number));
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
