/** One completion: probabilities of its tokens under the policy, the policy that sampled it, and the reference. */
export interface PolicySequence {
  readonly probs: ArrayLike<number>;
  readonly oldProbs: ArrayLike<number>;
  readonly refProbs?: ArrayLike<number> | undefined;
  readonly advantage: number;
  /** Weight of each token, from `sequenceWeights`. */
  readonly weight: number;
}

export interface PolicyLossSettings {
  /** Clipping range of the ratio: 1 − low … 1 + high. */
  readonly clip: { readonly low: number; readonly high: number };
  readonly klCoefficient: number;
}

/**
 * The k3 estimate of KL(policy ‖ reference) at one token, `π_ref/π − log(π_ref/π) − 1`: never negative, 0 where the two
 * agree. Source: Schulman, "Approximating KL divergence", 2020.
 */
export function k3(prob: number, refProb: number): number {
  const ratio = refProb / prob;
  return ratio - Math.log(ratio) - 1;
}

/** One token's contribution: `−min(ratio·A, clip(ratio)·A)`, ratio = π/π_old. Source: PPO, arXiv:1707.06347, equation 7. */
export function clippedSurrogate(ratio: number, advantage: number, { low, high }: PolicyLossSettings['clip']): number {
  const clipped = Math.min(1 + high, Math.max(1 - low, ratio));
  return -Math.min(ratio * advantage, clipped * advantage);
}

/** The loss that the policy graph computes, `Σ weight · (surrogate + β·k3)`, in double precision: metrics and oracle. */
export function policyLoss(sequences: readonly PolicySequence[], { clip, klCoefficient }: PolicyLossSettings): number {
  let loss = 0;
  for (const { probs, oldProbs, refProbs, advantage, weight } of sequences) {
    if (weight === 0) continue;
    for (let t = 0; t < probs.length; t++) {
      const [prob, oldProb, refProb] = [probs[t] as number, oldProbs[t] as number, refProbs?.[t]];
      const kl = refProb === undefined ? 0 : k3(prob, refProb);
      loss += weight * (clippedSurrogate(prob / oldProb, advantage, clip) + klCoefficient * kl);
    }
  }
  return loss;
}
