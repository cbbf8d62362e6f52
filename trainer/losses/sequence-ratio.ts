import { boundedLog } from './bounded-ratio.ts';

/**
 * Gives every token of a completion the completion's own ratio, the geometric mean of the tokens' ratios:
 *
 *   s = exp(1/|y| · Σ_t log(π_t / π_old,t))
 *
 * The answer stands for π_old: with π_t / s in its place the ratio of each token is s, and the gradient of the ratio is s · ∇log π_t,
 * that of GSPO-token, which for one advantage a completion equals that of GSPO. So the tokens of a completion need not meet in one graph.
 *
 * Source: GSPO, arXiv:2507.18071, equations 7, 14 and 17.
 *
 * @param probs of each token, under the policy as it is before the update
 * @param oldProbs of each token, under the policy that sampled it
 */
export function oldProbsAtSequenceRatio(probs: ArrayLike<number>, oldProbs: ArrayLike<number>): Float32Array {
  let logRatio = 0;
  for (let t = 0; t < probs.length; t++) logRatio += boundedLog(probs[t]) - boundedLog(oldProbs[t]);
  const ratio = Math.exp(logRatio / Math.max(1, probs.length));
  return Float32Array.from({ length: probs.length }, (_, t) => (probs[t] as number) / ratio);
}
