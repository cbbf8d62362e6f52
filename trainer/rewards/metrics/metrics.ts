import { mean, sampleStd } from '../../algorithms/statistics.ts';
import type { Completion, ScoredCompletion } from '../create-rewards.ts';
import { unscoredReasons } from '../score.ts';

/** A scored completion with what it was scored for. */
export type ScoredSample = Pick<Completion, 'row' | 'tokens'> & ScoredCompletion & { readonly terminated: boolean };

/**
 * Reward metrics of one rollout, under TRL's names: `reward` and `reward_std` (mean over groups of the standard deviation
 * inside a group), `frac_reward_zero_std`, `rewards/{name}/mean|std` over the completions to which the reward applies,
 * `rewards/{name}/abstain|timeout|error_frac` where one of one's own has no score for some of them,
 * `verifier/{kind}/pass|partial|abstain_frac`, `format_rate`, and `language_consistency` over the rows with a language. What no
 * completion has is left out.
 *
 * @param groups completions by prompt
 */
export function rewardMetrics(
  groups: readonly (readonly ScoredSample[])[],
  names: readonly string[],
): Record<string, number> {
  const samples = groups.flat();
  const graded = groups.map((group) => group.map(({ reward }) => reward).filter((reward) => reward !== undefined));
  const stds = graded.map(sampleStd);
  const withLanguage = samples.filter(({ row }) => row.language !== undefined);
  const metrics: Record<string, number> = {
    reward: mean(graded.flat()),
    reward_std: mean(stds),
    frac_reward_zero_std: share(stds, (std) => std === 0),
    abstained_frac: share(samples, ({ reward }) => reward === undefined),
    format_rate: share(samples, ({ formatted }) => formatted),
    ...(withLanguage.length > 0 && {
      language_consistency: mean(withLanguage.map((sample) => sample.languageConsistency)),
    }),
  };
  for (const name of names) {
    const asked = samples.filter(({ scores }) => name in scores);
    for (const reason of unscoredReasons) {
      const lost = share(asked, ({ unscored }) => unscored?.[name]?.because === reason);
      if (lost > 0) metrics[`rewards/${name}/${reason}_frac`] = lost;
    }
    const scores = asked.map(({ scores: all }) => all[name]).filter((score) => score !== undefined);
    if (scores.length === 0) continue;
    metrics[`rewards/${name}/mean`] = mean(scores);
    metrics[`rewards/${name}/std`] = sampleStd(scores);
  }
  for (const kind of new Set(samples.map(({ row }) => row.answer?.kind))) {
    if (kind === undefined) continue;
    const verified = samples.filter(({ row }) => row.answer?.kind === kind);
    metrics[`verifier/${kind}/pass`] = share(verified, ({ verdict }) => verdict.outcome === 'correct');
    metrics[`verifier/${kind}/partial`] = share(verified, ({ verdict }) => verdict.outcome === 'partial');
    metrics[`verifier/${kind}/abstain_frac`] = share(verified, ({ verdict }) => verdict.outcome === 'abstain');
  }
  return metrics;
}

/**
 * Lengths in tokens under TRL's names, and those of right and of wrong answers apart: Dr. GRPO's question of verbosity. A mean over no
 * completion is left out.
 */
export function completionMetrics(samples: readonly ScoredSample[]): Record<string, number> {
  const lengths = (chosen: readonly ScoredSample[]) => chosen.map(({ tokens }) => tokens);
  const all = lengths(samples);
  const terminated = lengths(samples.filter((sample) => sample.terminated));
  const byOutcome = {
    correct: lengths(samples.filter(({ verdict }) => verdict.outcome === 'correct')),
    wrong: lengths(samples.filter(({ verdict }) => verdict.outcome === 'wrong')),
  };
  return {
    'completions/mean_length': mean(all),
    'completions/min_length': all.length === 0 ? 0 : all.reduce((least, tokens) => Math.min(least, tokens)),
    'completions/max_length': all.reduce((most, tokens) => Math.max(most, tokens), 0),
    'completions/clipped_ratio': share(samples, (sample) => !sample.terminated),
    ...(terminated.length > 0 && { 'completions/mean_terminated_length': mean(terminated) }),
    ...(byOutcome.correct.length > 0 && { 'completions/mean_length_correct': mean(byOutcome.correct) }),
    ...(byOutcome.wrong.length > 0 && { 'completions/mean_length_wrong': mean(byOutcome.wrong) }),
  };
}

function share<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.length === 0 ? 0 : items.filter(holds).length / items.length;
}
