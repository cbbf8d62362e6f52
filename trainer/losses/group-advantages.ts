import { mean, sampleStd } from '../algorithms/statistics.ts';
import type { GrpoSettings } from '../contract/settings/settings.ts';

/**
 * Group-relative advantages: how much better each completion did than its siblings.
 *
 *   A[i] = (r[i] − mean(r)) / (std(r) + ε)      group
 *   A[i] = (r[i] − mean(r)) / (std(all) + ε)    batch: the deviation of the rewards of all groups
 *   A[i] =  r[i] − mean(r)                      none
 *
 * std is the sample standard deviation, as in TRL; rewards (1, 0, 0, 0) give 1.5 and −0.5 at ε = 0. Completions that all
 * score alike teach nothing: their advantages are exactly 0.
 *
 * Sources: DeepSeekMath, arXiv:2402.03300, §4.1.2; batch: "Tricks or Traps?", arXiv:2508.08221; none: Dr. GRPO, arXiv:2503.20783.
 *
 * @param rewards `[groups, completions per group]`; `undefined` where a verifier abstained: such a completion has
 *   advantage 0 and counts neither for the mean nor for the deviation, for a failure to grade is no wrong answer
 * @param epsilon keeps a nearly uniform group from exploding; TRL uses 1e-4
 * @returns same shape as `rewards`, dimensionless
 */
export function groupAdvantages(
  rewards: readonly (readonly (number | undefined)[])[],
  { scale, epsilon }: { scale: NonNullable<GrpoSettings['scaleRewards']>; epsilon: number },
): number[][] {
  const stdOfAll = sampleStd(rewards.flat().filter((reward) => reward !== undefined));
  return rewards.map((group) => {
    const graded = group.filter((reward) => reward !== undefined);
    const std = sampleStd(graded);
    if (std === 0) return group.map(() => 0);
    const center = mean(graded);
    const divisor = { group: std + epsilon, batch: stdOfAll + epsilon, none: 1 }[scale];
    return group.map((reward) => (reward === undefined ? 0 : (reward - center) / divisor));
  });
}
