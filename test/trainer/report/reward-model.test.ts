import { expect, test } from '@jest/globals';
import type { StageRecord } from '../../../trainer/report/record.ts';
import { rewardModelTable } from '../../../trainer/report/sections/reward-model.ts';

function textOf(metrics: Readonly<Record<string, number>>): string {
  const text = String(rewardModelTable({ metrics } as unknown as StageRecord) ?? '');
  return text
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

test('a reward model of pairs has the share that it puts in order', () => {
  expect(textOf({ 'eval/pair_accuracy': 0.875, 'eval/margin': 1.23456 })).toBe(
    'On held-out rows Pairs whose chosen answer scores higher 0.875 Mean difference of their scores 1.235',
  );
});

test('one of labels has the area under the ROC curve with its interval', () => {
  const area = { 'eval/roc_auc': 0.9, 'eval/roc_auc_low': 0.81234, 'eval/roc_auc_high': 0.95 };
  expect(textOf({ 'eval/label_accuracy': 0.8, ...area })).toBe(
    'On held-out rows Completions on the side of their label 0.8 Area under the ROC curve (95 % interval) 0.9 (0.812 … 0.95)',
  );
});

test('one that is compared with another has both, and how far they agree', () => {
  const compared = { 'compared/pair_accuracy': 0.5, 'compared/agreement': 0.6, 'compared/spearman': 0.25 };
  expect(textOf({ 'eval/pair_accuracy': 0.875, ...compared, 'compared/kappa': 0.125 })).toBe(
    'On held-out rows This model The compared one Pairs whose chosen answer scores higher 0.875 0.5 ' +
      'Both decide alike on a share of 0.6 of the rows, Cohen’s κ 0.125, Spearman’s ρ of their scores 0.25',
  );
});

test('a stage that trains no reward model has no such table', () => {
  expect(textOf({ 'eval/pass@1': 0.5 })).toBe('');
});
