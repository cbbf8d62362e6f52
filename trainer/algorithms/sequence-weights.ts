import type { GrpoSettings } from '../contract/settings.ts';

/**
 * What each token of a completion weighs in the loss of one optimizer step, `Σ_sequences Σ_tokens weight · (…)`:
 *
 *   grpo     1 / (length · n)            every completion counts the same (DeepSeekMath, arXiv:2402.03300)
 *   dapo     1 / all tokens of the step  every token counts the same (arXiv:2503.14476)
 *   dr_grpo  1 / (maxNewTokens · n)      a constant, so that long wrong answers are not cheaper (arXiv:2503.20783)
 *
 * @param lengths tokens of each completion with its stop token; 0 for one that is left out, which then weighs 0
 *   and does not count for n
 * @param maxNewTokens longest completion that sampling allows
 */
export function sequenceWeights(
  lengths: readonly number[],
  { loss, maxNewTokens }: { loss: GrpoSettings['loss']; maxNewTokens: number },
): number[] {
  const sequences = lengths.filter((length) => length > 0).length;
  const tokens = lengths.reduce((sum, length) => sum + length, 0);
  const normalizer = {
    grpo: (length: number) => length * sequences,
    dapo: () => tokens,
    dr_grpo: () => maxNewTokens * sequences,
  }[loss];
  return lengths.map((length) => (length === 0 ? 0 : 1 / normalizer(length)));
}
