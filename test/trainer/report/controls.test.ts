import { expect, test } from '@jest/globals';
import type { StageRecord } from '../../../trainer/report/record.ts';
import { controlsTable } from '../../../trainer/report/sections/controls.ts';

function figures(control: string, low: number): Record<string, number> {
  const of = (name: string): string => `control/${control}/${name}`;
  return {
    [of('pass@1')]: 0.4,
    [of('difference')]: low + 0.05,
    [of('difference_low')]: low,
    [of('difference_high')]: low + 0.1,
  };
}

function textOf(metrics: Record<string, number>): string {
  const text = String(controlsTable({ metrics } as unknown as StageRecord) ?? '');
  return text
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

test('a stage above all its controls has learned', () => {
  expect(textOf({ ...figures('random', 0.3), ...figures('zeroLr', 0.2) })).toMatch(
    /^Negative controls It is better than every control: .* random: noise for a reward 0\.4 0\.35 0\.3 … 0\.4 zeroLr: a learning rate of 0 0\.4 0\.25 0\.2 … 0\.3$/,
  );
});

test('a stage that is not above one of them has shown nothing', () => {
  expect(textOf({ ...figures('random', 0.3), ...figures('shuffled', -0.01) })).toMatch(
    /It is not measurably better than every control/,
  );
});

test('a stage without controls has no such section', () => {
  expect(textOf({ 'eval/pass@1': 0.4 })).toBe('');
});
