import { stripVTControlCharacters } from 'node:util';
import { expect, test } from '@jest/globals';
import { stageList } from '../../../cli/display/stage-list.ts';
import { summaryOf } from '../../../cli/display/summary.ts';
import { after, runOf } from './runs.ts';

const attempts = [{ endedAt: '2026-03-01T09:00:42Z' }];
const table = (metrics: Record<string, number>) =>
  summaryOf(runOf({ pretrained: { state: 'Succeeded', attempts, metrics } }))
    .split('\n')
    .map((line) => line.split(/ {2,}/));

test('figures of rows that models learn from have a row of their own', () => {
  const metrics = { 'eval_train/pass@1': 0.9, 'eval_train/pass@1_stderr': 0.01, 'eval_train/format_rate': 1 };
  const steps = ['100', '42s', 'dddddddddddd'];
  const learned = ['', 'on training rows', '0.900 ± 0.010', '1.000', '-'];
  expect(table(metrics).slice(1, 3)).toEqual([
    ['pretrained', 'pretrain', 'Succeeded', '-', '-', '-', ...steps],
    learned,
  ]);
  expect(table({ ...metrics, 'eval/pass@1': 0.4 }).slice(1, 3)).toEqual([
    ['pretrained', 'pretrain', 'Succeeded', '0.400', '-', '-', ...steps],
    learned,
  ]);
  expect(table({ 'eval/pass@1': 0.4 })).toHaveLength(3);
});

test.each(['Changed', 'Waiting'])(
  'a finished stage that its pipeline calls %s is not said to have succeeded',
  (state) => {
    const message = 'restore its settings';
    const run = runOf({ pretrained: { state: 'Succeeded' } }, [], [{ name: 'pretrained', state, message }]);
    expect(summaryOf(run)).toMatch(new RegExp(`^pretrained +pretrain +${state} `, 'm'));
    expect(stripVTControlCharacters(stageList(run, after(5), 80))).toContain(`\n    ${message}`);
  },
);

test.each(['Skipped', 'Waiting'])('a stage that has not begun is %s where its pipeline says so', (state) => {
  const run = runOf({}, [], [{ name: 'r1-zero', state, message: '' }]);
  expect(summaryOf(run)).toMatch(new RegExp(`^r1-zero +grpo +${state} `, 'm'));
});
