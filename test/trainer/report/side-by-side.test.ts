import { expect, test } from '@jest/globals';
import { grpo } from '../../../trainer/contract/settings/settings.ts';
import type { PipelineRecord, StageRecord } from '../../../trainer/report/record.ts';
import { differences, sideBySide, siblings } from '../../../trainer/report/sections/side-by-side.ts';

interface Given {
  readonly name: string;
  readonly model?: string;
  readonly settings?: object;
  readonly score?: number;
  readonly style?: number;
}

function stage({ name, model = 'sft', settings = {}, score = 0.9, style = 0.5 }: Given): StageRecord {
  const parsed = grpo.parse({ prompts: ['sums', 'chats'], steps: 50, rewards: [{ accuracy: {} }], ...settings });
  const metrics = { 'eval/pass@1': score, 'eval/pass@1_stderr': 0.01, 'eval/chats/pass@1': style };
  return { name, type: 'grpo', model, settings: parsed, metrics } as unknown as StageRecord;
}

const weights = (weight: number) => ({ promptWeights: [{ dataset: 'chats', weight }] });
const sweep = [
  stage({ name: 'few', settings: weights(0.5), score: 0.95, style: 0.4 }),
  stage({ name: 'many', settings: weights(4), score: 0.9, style: 0.8 }),
];
const names = (groups: readonly (readonly StageRecord[])[]) => groups.map((group) => group.map(({ name }) => name));

test('stages of one type from one model belong together, if they were measured', () => {
  const other = stage({ name: 'other', model: 'base' });
  const unmeasured = { ...stage({ name: 'running' }), metrics: {} };
  const sft = { ...stage({ name: 'tuned' }), type: 'sft' };
  expect(names(siblings([...sweep, other, unmeasured, sft]))).toEqual([['few', 'many']]);
  expect(sideBySide({ stages: [sweep[0], other] } as unknown as PipelineRecord)).toBeUndefined();
});

test('what they differ in is told, and nothing else', () => {
  expect(differences(sweep)).toEqual(['promptWeights[0].weight 0.5', 'promptWeights[0].weight 4']);
  const without = stage({ name: 'plain' });
  expect(differences([without, sweep[0] as StageRecord])).toEqual([
    '',
    'promptWeights[0].dataset "chats" · promptWeights[0].weight 0.5',
  ]);
});

test('the table has accuracy against every other data set, with the difference to the first stage', () => {
  const text = String(sideBySide({ stages: sweep } as unknown as PipelineRecord))
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ');
  expect(text).toContain('few promptWeights[0].weight 0.5 95.0 % ± 1.0 40.0 %');
  expect(text).toContain('many promptWeights[0].weight 4 90.0 % ± 1.0 −5.0 (−7.8 … −2.2) 80.0 %');
});
