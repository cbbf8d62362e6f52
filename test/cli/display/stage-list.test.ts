import { stripVTControlCharacters } from 'node:util';
import { expect, test } from '@jest/globals';
import { stageList } from '../../../cli/display/stage-list.ts';
import { after, runOf } from './runs.ts';

const run = runOf({
  pretrained: {
    state: 'Succeeded',
    attempts: [{ endedAt: '2026-03-01T09:01:36Z' }],
    metrics: { loss: 0.5, 'eval/pass@1': 0.37, 'eval/format_rate': 0.62 },
  },
  'r1-zero': {
    state: 'Running',
    attempts: [{ outcome: 'Failed' }, {}],
    progress: { step: 5, steps: 20, metrics: { reward: 1.25, kl: 0.0004 }, secondsLeft: 130 },
  },
});

function drawn(columns: number): string[] {
  return stripVTControlCharacters(stageList(run, after(100), columns)).split('\n');
}

test('draws a line a stage, with a bar and the time left for the running one', () => {
  expect(drawn(120)).toEqual([
    'r1-tiny  Pending  1/2 stages  1m 40s',
    '✔ pretrained  pretrain   1m 36s  pass@1 0.370  format 0.620',
    `● r1-zero     grpo      ${'━'.repeat(5)}${'─'.repeat(15)}  5/20  train  reward 1.250  kl 4.0e-4  2m 10s left  attempt 2`,
  ]);
});

test('cuts lines that would wrap', () => {
  for (const line of drawn(40)) expect(line.length).toBeLessThanOrEqual(40);
  expect(drawn(40)[2]).toMatch(/…$/);
});

test('shows what a stage warns of below it, running or ended', () => {
  for (const state of ['Running', 'Succeeded'] as const) {
    const warned = runOf({ pretrained: { state, warnings: [{ reason: 'NoSignal', message: 'it learns nothing' }] } });
    const lines = stripVTControlCharacters(stageList(warned, after(5), 80)).split('\n');
    expect(lines[2]).toBe('    warning: it learns nothing');
  }
});

test('shows what has not begun, and why a stage failed', () => {
  const failed = runOf({ pretrained: { state: 'Failed', message: 'the disk is full' } });
  expect(
    stripVTControlCharacters(stageList(failed, after(5), 80))
      .split('\n')
      .slice(1),
  ).toEqual(['✖ pretrained  pretrain       5s', '    the disk is full', '○ r1-zero     grpo    ']);
});
