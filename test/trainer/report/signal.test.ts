import { expect, test } from '@jest/globals';
import type { StageRecord } from '../../../trainer/report/record.ts';
import { signal } from '../../../trainer/report/sections/signal.ts';

/** The text of the section of a stage whose ten steps all have these figures. */
function textOf(metrics: Record<string, number>, type = 'grpo'): string {
  const steps = Array.from({ length: 10 }, (_, at) => at + 1);
  const series = new Map(
    Object.entries(metrics).map(([name, value]) => [name, { steps, values: steps.map(() => value) }]),
  );
  const text = String(signal({ type, series } as unknown as StageRecord) ?? '');
  return text
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

const healthy = { frac_reward_zero_std: 0.2, 'groups/all_right_frac': 0.1, 'groups/all_wrong_frac': 0.1 };

test('a stage that learns has its figures, and no advice', () => {
  expect(textOf(healthy)).toBe(
    'What the last rollouts could teach 80 % of the groups had completions that differ in reward. In 10 % every answer was wrong, in 10 % every answer was right.',
  );
});

test.each([
  {
    name: 'prompts that are too hard',
    metrics: { 'groups/all_wrong_frac': 0.9 },
    says: /Too hard: .* Take easier prompts/,
  },
  {
    name: 'prompts that are too easy',
    metrics: { 'groups/all_right_frac': 0.9 },
    says: /Too easy: .* Take harder prompts/,
  },
  {
    name: 'completions that are too alike',
    metrics: { frac_reward_zero_std: 0.8 },
    says: /Too alike: .* Raise sampling/,
  },
  {
    name: 'a reward that carries it all',
    metrics: { 'rewards/accuracy/advantage_frac': 0.04, 'rewards/format/advantage_frac': 0.96 },
    says: /format carries 96 % of the advantage, accuracy 4 %: .* Lower the weight of format.* format 96 % 0.000/,
  },
])('$name are told, with what to change', ({ metrics, says }) => {
  expect(textOf({ ...healthy, ...metrics })).toMatch(says);
});

test('a stage without rewards has no such section', () => {
  expect(textOf(healthy, 'sft')).toBe('');
  expect(textOf({})).toBe('');
});
