import type { GrpoSettings } from '../contract/settings.ts';

/** What a batch of completions divides the loss by. */
export interface BatchSize {
  /** Completions that are trained. */
  readonly completions: number;
  /** Their tokens. */
  readonly tokens: number;
  /** Longest completion that sampling allows. */
  readonly maxNewTokens: number;
}

interface PolicyLossVariant {
  /** What the loss of each token of a completion of `length` tokens is divided by. */
  readonly tokenDivisor: (length: number, batch: BatchSize) => number;
  /** What a reward's distance from the mean of its group is divided by. */
  readonly advantageDivisor: (std: number, epsilon: number) => number;
}

/** How the variants of the policy loss normalise; the clipped ratio and the KL term are the same in all (policy-loss.ts). */
export const policyLossVariants: Readonly<Record<GrpoSettings['loss'], PolicyLossVariant>> = {
  /** Every completion counts the same. Source: DeepSeekMath, arXiv:2402.03300, §4.1. */
  grpo: {
    tokenDivisor: (length, { completions }) => length * completions,
    advantageDivisor: (std, epsilon) => std + epsilon,
  },
  /** Every token counts the same. Source: DAPO, arXiv:2503.14476, §3.3. */
  dapo: {
    tokenDivisor: (_, { tokens }) => tokens,
    advantageDivisor: (std, epsilon) => std + epsilon,
  },
  /** A constant, so that long wrong answers are not cheaper, and no division by the deviation. Source: arXiv:2503.20783, §3. */
  dr_grpo: {
    tokenDivisor: (_, { completions, maxNewTokens }) => maxNewTokens * completions,
    advantageDivisor: () => 1,
  },
};
