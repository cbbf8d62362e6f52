import { beforeEach, expect, jest, test } from '@jest/globals';
import { ProgressReporter } from '../../../../trainer/stages/workspace/progress.ts';

let now = 0;
let said: { phase: string; step: number }[] = [];
let progress: ProgressReporter;

beforeEach(() => {
  now = 0;
  said = [];
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  progress = new ProgressReporter((line) => {
    const { phase, step } = JSON.parse(line) as { phase: string; step: number };
    said.push({ phase, step });
  });
});

test('what follows the checks of rows is said at once', () => {
  progress.checking(3, 36);
  now += 10;
  progress.report('evaluate', 0, 3);
  now += 10;
  progress.report('train', 0, 3);
  expect(said).toEqual([
    { phase: 'check', step: 3 },
    { phase: 'evaluate', step: 0 },
  ]);
});

test('the time left is by the steps of this attempt, without what came before them', () => {
  const left: (number | undefined)[] = [];
  progress = new ProgressReporter((line) => left.push((JSON.parse(line) as { secondsLeft?: number }).secondsLeft));
  // A resumed attempt measures the start once more, and has the steps of the one before.
  now += 50_000;
  progress.report('evaluate', 0, 100);
  now += 50_000;
  progress.begin('train', 100, 200);
  now += 10_000;
  progress.report('train', 101, 200);
  expect(left).toEqual([undefined, undefined, 990]);
});

test('a silence ends with the newest of what was reported, said or not', () => {
  progress.report('train', 1, 9);
  now += 10;
  progress.report('save', 1, 9);
  now += 20_000;
  progress.alive();
  expect(said).toEqual([
    { phase: 'train', step: 1 },
    { phase: 'save', step: 1 },
  ]);
});
