import { mean, sampleStd } from '../algorithms/statistics.ts';
import type { GrpoSettings } from '../contract/settings.ts';
import { policyLossVariants } from './policy-loss-variants.ts';

/**
 * Group-relative advantages: how much better each completion did than its siblings.
 *
 *   A[i] = (r[i] − mean(r)) / (std(r) + ε)      grpo, dapo
 *   A[i] =  r[i] − mean(r)                      dr_grpo
 *
 * std is the sample standard deviation, as in TRL; rewards (1, 0, 0, 0) give 1.5 and −0.5 at ε = 0. Completions that all
 * score alike teach nothing: their advantages are exactly 0.
 *
 * Sources: DeepSeekMath, arXiv:2402.03300, §4.1.2; Dr. GRPO, arXiv:2503.20783.
 *
 * @param rewards `[groups, completions per group]`; `undefined` where a verifier abstained: such a completion has
 *   advantage 0 and counts neither for the mean nor for the deviation, for a failure to grade is no wrong answer
 * @param epsilon keeps a nearly uniform group from exploding; TRL uses 1e-4
 * @returns same shape as `rewards`, dimensionless
 */
export function groupAdvantages(
  rewards: readonly (readonly (number | undefined)[])[],
  { loss, epsilon }: { loss: GrpoSettings['loss']; epsilon: number },
): number[][] {
  return rewards.map((group) => {
    const graded = group.filter((reward) => reward !== undefined);
    const std = sampleStd(graded);
    if (std === 0) return group.map(() => 0);
    const center = mean(graded);
    const divisor = policyLossVariants[loss].advantageDivisor(std, epsilon);
    return group.map((reward) => (reward === undefined ? 0 : (reward - center) / divisor));
  });
}
