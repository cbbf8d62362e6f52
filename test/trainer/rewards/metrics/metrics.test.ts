import { expect, test } from '@jest/globals';
import { completionMetrics, rewardMetrics, type ScoredSample } from '../../../../trainer/rewards/metrics/metrics.ts';
import { sumRow as row } from '../../../support/sum-row.ts';

function sample(reward: number | undefined, given: Partial<ScoredSample> = {}): ScoredSample {
  const outcome = reward === undefined ? 'abstain' : reward === 1 ? 'correct' : 'wrong';
  return {
    row,
    tokens: 10,
    terminated: true,
    scores: { accuracy: reward },
    reward,
    verdict: { outcome, score: reward ?? 0 },
    formatted: true,
    languageConsistency: 1,
    ...given,
  };
}

test('reward metrics have TRL’s names and its sample standard deviation inside a group', () => {
  const groups = [
    [sample(1), sample(0, { formatted: false, languageConsistency: 0.5 })],
    [sample(1), sample(1)],
    [sample(undefined), sample(0, { languageConsistency: 0.5 })],
  ];
  const metrics = rewardMetrics(groups, ['accuracy', 'format']);
  expect(metrics).toMatchObject({
    reward: 0.6,
    frac_reward_zero_std: 2 / 3,
    abstained_frac: 1 / 6,
    format_rate: 5 / 6,
    'rewards/accuracy/mean': 0.6,
    'verifier/number/pass': 0.5,
    'verifier/number/partial': 0,
    'verifier/number/abstain_frac': 1 / 6,
  });
  expect(metrics['reward_std']).toBeCloseTo(Math.SQRT1_2 / 3, 12);
  expect(metrics['rewards/accuracy/std']).toBeCloseTo(Math.sqrt(0.3), 12);
  expect(metrics['language_consistency']).toBeCloseTo(5 / 6, 12);
  expect(metrics).not.toHaveProperty(['rewards/format/mean']);
});

test('a figure of no completion is left out, and is no 0', () => {
  const { language: _, ...unmarked } = row;
  const cutOff = sample(0, { row: unmarked, tokens: 32, terminated: false });
  expect(rewardMetrics([[cutOff, cutOff]], ['accuracy'])).not.toHaveProperty('language_consistency');
  expect(completionMetrics([cutOff])).toEqual({
    'completions/mean_length': 32,
    'completions/min_length': 32,
    'completions/max_length': 32,
    'completions/clipped_ratio': 1,
    'completions/mean_length_wrong': 32,
  });
});

test('lengths are told apart by how a completion ended and whether it was right', () => {
  const samples = [
    sample(1, { tokens: 8 }),
    sample(0, { tokens: 32, terminated: false }),
    sample(0, { tokens: 20 }),
    sample(undefined, { tokens: 4 }),
  ];
  expect(completionMetrics(samples)).toEqual({
    'completions/mean_length': 16,
    'completions/min_length': 4,
    'completions/max_length': 32,
    'completions/clipped_ratio': 0.25,
    'completions/mean_terminated_length': 32 / 3,
    'completions/mean_length_correct': 8,
    'completions/mean_length_wrong': 26,
  });
});

test('completions that a reward of one’s own gave no score are counted by the cause', () => {
  const unscored = (because: 'abstain' | 'timeout' | 'error') =>
    sample(undefined, { scores: { module: undefined }, unscored: { module: { because, message: '' } } });
  const group = [sample(1, { scores: { module: 3 } }), unscored('timeout'), unscored('timeout'), unscored('error')];
  const metrics = rewardMetrics([group, [sample(1)]], ['module']); // to the last one it does not apply
  expect(metrics).toMatchObject({
    'rewards/module/mean': 3,
    'rewards/module/timeout_frac': 0.5,
    'rewards/module/error_frac': 0.25,
  });
  expect(metrics).not.toHaveProperty(['rewards/module/abstain_frac']);
});
