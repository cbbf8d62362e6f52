import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { useBaseStage } from '../../support/base-stage.ts';
import { logOf, pin, runStage, runToResult, tinyDatasets, writeStage } from '../../support/trainer.ts';

const root = useBaseStage({ steps: 1, batch: 4 });

test('an evaluate stage gives figures and samples, and publishes nothing', async () => {
  const model = { input: await pin(root(), 'base') };
  const evaluate = { data: ['sums'], limit: 6, samples: 2, sampling: { maxNewTokens: 8 } };
  const result = await runToResult(root(), { name: 'measured', model, settings: { evaluate } });
  expect(result).toEqual({
    outcome: 'succeeded',
    reason: 'succeeded',
    message: 'evaluated',
    metrics: expect.objectContaining({
      'eval/sums/pass@1': expect.any(Number),
      'eval/sums/thought_rate': expect.any(Number),
      'eval/pass@1': expect.any(Number),
      'eval/pass@1_stderr': expect.any(Number),
      'eval/pass@2': expect.any(Number),
      'eval/cons@2': expect.any(Number),
      'eval/format_rate': expect.any(Number),
      'eval/language_consistency': expect.any(Number),
      'eval/mean_length': expect.any(Number),
    }),
  });
  const out = join(root(), 'measured');
  expect(await logOf(out, 'metrics.jsonl')).toEqual([{ step: 0, ...result.metrics }]);
  const samples = await logOf(out, 'samples.jsonl');
  expect(samples.length).toBeGreaterThan(0);
  expect(samples[0]).toMatchObject({ dataset: 'sums', prompt: expect.any(String), completion: expect.any(String) });
  expect((await readdir(out)).filter((name) => name.startsWith('step-') || name === 'data')).toEqual([]);
});

test('evaluation data that cannot be used is found before the first step', async () => {
  const datasets = [
    tinyDatasets[0],
    { name: 'few', generator: { task: 'addition', digits: 1, rows: 8, heldOut: 5000 } },
  ];
  const pretrain = { data: ['mixture'], steps: 2, batch: 4 };
  const file = await writeStage(root(), {
    name: 'late',
    settings: { pretrain },
    datasets,
    evaluation: { data: ['few'] },
  });
  expect(await runStage(file)).toMatchObject({ code: 64, stderr: expect.stringContaining('held-out prompts') });
  expect(await logOf(join(root(), 'late'), 'metrics.jsonl')).toEqual([]);
});
