import { mean } from '../../algorithms/statistics.ts';
import { zip } from '../../algorithms/zip.ts';
import type { Rewards } from '../create-rewards.ts';
import type { ScoredSample } from './metrics.ts';

/**
 * What of a rollout can teach, and what it teaches: `groups/all_right_frac` and `groups/all_wrong_frac` of the groups of which a verifier
 * could judge a completion, and `rewards/{name}/advantage_frac`, the share that a reward has in the advantages.
 *
 * An advantage is a difference to the mean of its group. With r = Σ wₖ sₖ, its square over all completions is
 *
 *   Σ (r − r̄)² = Σₖ Σ wₖ (sₖ − s̄ₖ) (r − r̄)
 *
 * of which the share of reward k is its term: the shares sum to 1, and one that is below 0 is outvoted by the others. Nothing where no
 * two completions of a group differ.
 *
 * @param groups completions by prompt
 */
export function signalMetrics(
  groups: readonly (readonly ScoredSample[])[],
  { names, weights }: Pick<Rewards, 'names' | 'weights'>,
): Record<string, number> {
  const judged = groups.map(outcomesOf).filter((outcomes) => outcomes.length > 0);
  const rewarded = groups.map((group) => group.filter(({ reward }) => reward !== undefined));
  const total = sumOf(rewarded.map((group) => covariance(group, rewardOf, rewardOf)));
  const shares = zip(names, weights).map(([name, weight]) => {
    const weighted = ({ scores }: ScoredSample): number => weight * (scores[name] ?? 0);
    return [name, sumOf(rewarded.map((group) => covariance(group, weighted, rewardOf))) / total] as const;
  });
  return {
    ...(judged.length > 0 && {
      'groups/all_right_frac': mean(judged.map((outcomes) => Number(outcomes.every(isRight)))),
      'groups/all_wrong_frac': mean(judged.map((outcomes) => Number(!outcomes.some(isRight)))),
    }),
    ...(total > 0 && Object.fromEntries(shares.map(([name, share]) => [`rewards/${name}/advantage_frac`, share]))),
  };
}

type Outcome = ScoredSample['verdict']['outcome'];

function outcomesOf(group: readonly ScoredSample[]): Outcome[] {
  return group.map(({ verdict }) => verdict.outcome).filter((outcome) => outcome !== 'abstain');
}

function isRight(outcome: Outcome): boolean {
  return outcome === 'correct';
}

function rewardOf({ reward }: ScoredSample): number {
  return reward ?? 0;
}

type Figure = (sample: ScoredSample) => number;

/** Sum over a group of products of the distances to its means; exactly 0 where all have the same reward. */
function covariance(group: readonly ScoredSample[], a: Figure, b: Figure): number {
  if (group.every((each) => rewardOf(each) === rewardOf(group[0]!))) return 0; // rounding would give a tiny one
  const [ofA, ofB] = [mean(group.map(a)), mean(group.map(b))];
  return sumOf(group.map((each) => (a(each) - ofA) * (b(each) - ofB)));
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
