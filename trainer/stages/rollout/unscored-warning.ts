import type { JudgedCompletion } from './rollout.ts';
import type { Warnings } from '../workspace/warnings.ts';

/**
 * Warns of a reward of one's own that fails: its completions are left out, which nobody may notice. Abstaining is its right.
 *
 * @param step the first that learns from the rollout, counted from 1
 */
export function warnOfUnscored(
  step: number,
  completions: readonly Pick<JudgedCompletion, 'row' | 'unscored'>[],
  warnings: Warnings,
): void {
  if (warnings.all.some(({ reason }) => reason === 'RewardFailed')) return;
  for (const { row, unscored } of completions) {
    for (const [name, { because, message }] of Object.entries(unscored ?? {})) {
      if (because === 'abstain') continue;
      const figures = `rewards/${name}/timeout_frac and error_frac count them`;
      const first = `first at step ${step} on row ${row.id}: ${because}: ${message}`;
      warnings.warn(
        'RewardFailed',
        `the reward ${name} gives some completions no score, which are left out; ${figures}; ${first}`,
      );
      return;
    }
  }
}
