import { expect, test } from '@jest/globals';
import type { PipelineRecord, StageRecord } from '../../../trainer/report/record.ts';
import { stageTable } from '../../../trainer/report/sections/overview.ts';

function rowsOf(metrics: Record<string, number>): string[] {
  const stage = { name: 'zero', type: 'grpo', state: 'Succeeded', metrics } as unknown as StageRecord;
  const text = String(stageTable({ stages: [stage] } as unknown as PipelineRecord));
  return [...text.matchAll(/<tr>(.*?)<\/tr>/gs)].slice(1).map(([, row = '']) =>
    row
      .replaceAll(/<[^>]+>/g, ' ')
      .replaceAll(/\s+/g, ' ')
      .trim(),
  );
}

test('figures of training rows never stand in the row of the held-out ones', () => {
  expect(rowsOf({ 'eval/pass@1': 0.5, 'eval/sums/pass@1': 0.5 })).toEqual([
    'zero grpo Succeeded 50.0 % – – 50.0 % – –',
  ]);
  expect(rowsOf({ 'eval_train/pass@1': 0.9, 'eval_train/sums/pass@1': 0.9, 'eval_train/format_rate': 1 })).toEqual([
    'zero grpo Succeeded – – – – – –',
    'zero on training rows 90.0 % 100.0 % – 90.0 %',
  ]);
});
