import { expect, test } from '@jest/globals';
import type { StageRecord } from '../../../trainer/report/record.ts';
import { labelsTable } from '../../../trainer/report/sections/labels.ts';

function textOf(metrics: Record<string, number>): string {
  const text = String(labelsTable({ metrics } as unknown as StageRecord) ?? '');
  return text
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

test('labels of a judge stand beside those of the rows', () => {
  const counts = { 'labels/own_good_as_good': 20, 'labels/own_good_as_bad': 3, 'labels/own_bad_as_bad': 7 };
  expect(textOf({ ...counts, 'labels/own_agreement': 0.9, 'labels/own_kappa': 0.75 })).toBe(
    'Labels of the judge beside those of the rows Own label Judged good Judged bad good 20 3 bad 0 7 ' +
      'The same on a share of 0.9 of them, Cohen’s κ 0.75.',
  );
});

test('where no row has a label of its own there is no table, and where all are alike no κ', () => {
  expect(textOf({ 'labels/asked': 3 })).toBe('');
  expect(textOf({ 'labels/own_agreement': 1 })).toContain('The same on a share of 1 of them.');
});
