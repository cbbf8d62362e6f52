import type { GrpoSettings } from '../contract/settings/settings.ts';
import type { SurrogateName } from './surrogates.ts';

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
  readonly surrogate: SurrogateName;
  /** Whose ratio is clipped: each token's own, or the one of its completion (sequence-ratio.ts). */
  readonly ratio: 'token' | 'sequence';
  /** What the loss of each token of a completion of `length` tokens is divided by. */
  readonly tokenDivisor: (length: number, batch: BatchSize) => number;
  /** By which deviation a reward's distance from the mean of its group is divided, unless the settings say it. */
  readonly scaleRewards: NonNullable<GrpoSettings['scaleRewards']>;
}

const perCompletion: PolicyLossVariant['tokenDivisor'] = (length, { completions }) => length * completions;
const perToken: PolicyLossVariant['tokenDivisor'] = (_, { tokens }) => tokens;

/** The variants of the policy loss: in what they differ; the formulas are in surrogates.ts, what they share in policy-loss.ts. */
export const policyLossVariants: Readonly<Record<GrpoSettings['loss'], PolicyLossVariant>> = {
  /** Every completion counts the same. Source: DeepSeekMath, arXiv:2402.03300, §4.1. */
  grpo: { surrogate: 'clipped', ratio: 'token', tokenDivisor: perCompletion, scaleRewards: 'group' },
  /** Every token counts the same. Source: DAPO, arXiv:2503.14476, §3.3. */
  dapo: { surrogate: 'clipped', ratio: 'token', tokenDivisor: perToken, scaleRewards: 'group' },
  /** A constant, so that long wrong answers are not cheaper, and no division by the deviation. Source: arXiv:2503.20783, §3. */
  dr_grpo: {
    surrogate: 'clipped',
    ratio: 'token',
    tokenDivisor: (_, { completions, maxNewTokens }) => maxNewTokens * completions,
    scaleRewards: 'none',
  },
  /** One ratio for all tokens of a completion. Source: GSPO, arXiv:2507.18071, §4.1. */
  gspo: { surrogate: 'clipped', ratio: 'sequence', tokenDivisor: perCompletion, scaleRewards: 'group' },
  /** No token loses its gradient to clipping; every token counts the same. Source: MiniMax-M1, arXiv:2506.13585, §3.1. */
  cispo: { surrogate: 'cispo', ratio: 'token', tokenDivisor: perToken, scaleRewards: 'group' },
};
