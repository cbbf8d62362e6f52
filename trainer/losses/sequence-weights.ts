import type { GrpoSettings } from '../contract/settings/settings.ts';
import { policyLossVariants } from './policy-loss-variants.ts';

/**
 * What each token of a completion weighs in the loss of one optimizer step, `Σ_sequences Σ_tokens weight · (…)`, by the
 * variant of the loss.
 *
 * @param lengths tokens of each completion with its stop token; 0 for one that is left out, which then weighs 0
 *   and does not count
 * @param maxNewTokens longest completion that sampling allows
 */
export function sequenceWeights(
  lengths: readonly number[],
  { loss, maxNewTokens }: { loss: GrpoSettings['loss']; maxNewTokens: number },
): number[] {
  const completions = lengths.filter((length) => length > 0).length;
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  const { tokenDivisor } = policyLossVariants[loss];
  return lengths.map((length) => (length === 0 ? 0 : 1 / tokenDivisor(length, { completions, tokens, maxNewTokens })));
}
