import * as fc from 'fast-check';
import { expect, test } from '@jest/globals';
import type { Row } from '../../../../trainer/contract/settings/dataset.ts';
import type { ScoredSample } from '../../../../trainer/rewards/metrics/metrics.ts';
import { signalMetrics } from '../../../../trainer/rewards/metrics/signal-metrics.ts';

const row: Row = { id: 'sums/1', dataset: 'sums', domain: 'reasoning', messages: [] };
const rewards = { names: ['accuracy', 'format'], weights: [1, 0.5] };

function sample(accuracy: number, format: number): ScoredSample {
  return {
    row,
    tokens: 10,
    terminated: true,
    scores: { accuracy, format },
    reward: accuracy + 0.5 * format,
    verdict: { outcome: accuracy === 1 ? 'correct' : 'wrong', score: accuracy },
    formatted: format === 1,
    languageConsistency: 1,
  };
}

const unjudged: ScoredSample = {
  ...sample(0, 0),
  reward: undefined,
  scores: {},
  verdict: { outcome: 'abstain', score: 0 },
};

test.each([
  { name: 'too hard', groups: [[sample(0, 1), sample(0, 0)]], right: 0, wrong: 1, accuracy: 0, format: 1 },
  { name: 'too easy', groups: [[sample(1, 1), sample(1, 0)]], right: 1, wrong: 0, accuracy: 0, format: 1 },
  { name: 'within reach', groups: [[sample(1, 1), sample(0, 1)]], right: 0, wrong: 0, accuracy: 1, format: 0 },
  // Deviations of the rewards 1.5, 0: ± 0.75, of which accuracy has ± 0.5.
  { name: 'both agree', groups: [[sample(1, 1), sample(0, 0)]], right: 0, wrong: 0, accuracy: 2 / 3, format: 1 / 3 },
  // 1 and 0.5: ± 0.25, of accuracy ± 0.5 and of format ∓ 0.25.
  { name: 'they disagree', groups: [[sample(1, 0), sample(0, 1)]], right: 0, wrong: 0, accuracy: 2, format: -1 },
  {
    name: 'what has no reward says nothing',
    groups: [[sample(1, 1), sample(0, 1), unjudged], [unjudged]],
    right: 0,
    wrong: 0,
    accuracy: 1,
    format: 0,
  },
])('a rollout in which prompts are $name', ({ groups, right, wrong, accuracy, format }) => {
  const metrics = signalMetrics(groups, rewards);
  expect(metrics).toMatchObject({ 'groups/all_right_frac': right, 'groups/all_wrong_frac': wrong });
  expect(metrics['rewards/accuracy/advantage_frac']).toBeCloseTo(accuracy, 12);
  expect(metrics['rewards/format/advantage_frac']).toBeCloseTo(format, 12);
});

test('where no two completions of a group differ, no reward has a share', () => {
  expect(signalMetrics([[sample(1, 1), sample(1, 1)], [sample(0, 1)]], rewards)).toEqual({
    'groups/all_right_frac': 0.5,
    'groups/all_wrong_frac': 0.5,
  });
});

test('shares sum to 1', () => {
  const score = fc.double({ min: -2, max: 2, noNaN: true });
  const group = fc.array(
    fc.tuple(score, score).map((scores) => sample(...scores)),
    { minLength: 2, maxLength: 5 },
  );
  fc.assert(
    fc.property(fc.array(group, { minLength: 1, maxLength: 4 }), (groups) => {
      const metrics = signalMetrics(groups, rewards);
      const shares = [metrics['rewards/accuracy/advantage_frac'], metrics['rewards/format/advantage_frac']];
      const [accuracy, format] = shares;
      if (accuracy === undefined || format === undefined) return;
      const size = Math.max(1, Math.abs(accuracy), Math.abs(format));
      expect(Math.abs(accuracy + format - 1) / size).toBeLessThan(1e-6);
    }),
  );
});
