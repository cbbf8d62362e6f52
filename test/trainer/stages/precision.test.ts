import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { SafetensorsFile } from '../../../trainer/checkpoint/safetensors.ts';
import { Policy } from '../../../trainer/stages/policy/policy.ts';
import { useBaseStage } from '../../support/base-stage.ts';
import {
  beginningOf,
  lines,
  logOf,
  pin,
  readResult,
  runStage,
  runToResult,
  type StageToRun,
  writeStage,
} from '../../support/trainer.ts';

const root = useBaseStage({ steps: 12, batch: 8 });

const grpo = {
  prompts: ['sums'],
  steps: 6,
  promptsPerStep: 2,
  group: 4,
  learningRate: 1e-2,
  kl: { coefficient: 0.1, referenceEvery: 3 },
  sampling: { maxNewTokens: 12 },
  rewards: [{ format: {} }, { random: {} }],
  checkpointEvery: 4,
};

async function stage(name: string, changes: object = {}): Promise<StageToRun> {
  const model = { input: await pin(root(), 'base') };
  return { name, stage: 'precise', model, settings: { grpo }, precision: 'bf16', ...changes };
}

test('a stage in bf16 learns from samples with the probabilities of training, and keeps weights in f32', async () => {
  const { checkpoint } = await runToResult(root(), await stage('whole'));
  const steps = (await lines(join(root(), 'whole', 'metrics.jsonl'))).map(
    (line) => JSON.parse(line) as Record<string, number>,
  );
  expect(steps.map((step) => step['sampling/sampling_logp_difference/max'])).toEqual(steps.map(() => 0));
  const manifest = JSON.parse(await readFile(join(checkpoint!.path, 'checkpoint.json'), 'utf8')) as {
    engine: Record<string, string>;
  };
  expect(manifest.engine['precision']).toBe('bf16');
  await using file = await SafetensorsFile.open(join(checkpoint!.path, 'model.safetensors'));
  expect(new Set([...file.tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(['F32']));
});

test('whoever opens its checkpoint computes in bf16 as well', async () => {
  const { checkpoint } = await readResult(root(), 'whole');
  const [own, base] = [await Policy.open(checkpoint!.path), await Policy.open((await pin(root(), 'base')).path)];
  expect([own.config.precision, base.config.precision]).toEqual(['bf16', 'f32']);
  await Promise.all([own.close(), base.close()]);
});

test('killed at step 5, and with another number of workers, it comes to the same bits', async () => {
  const whole = await readResult(root(), 'whole');
  const file = await writeStage(root(), await stage('killed', { workers: 1 }));
  const killed = await runStage(file, { file: join(root(), 'killed', 'metrics.jsonl'), holds: '"step":5,' });
  expect(killed.signal).toBe('SIGKILL');
  const ended = await runStage(file);
  expect(ended).toMatchObject({ code: 0 });
  expect(beginningOf(ended)).toMatchObject({ step: 4 });
  expect((await readResult(root(), 'killed')).checkpoint?.digest).toBe(whole.checkpoint?.digest);
  expect(await logOf(join(root(), 'killed'), 'metrics.jsonl')).toEqual(
    await logOf(join(root(), 'whole'), 'metrics.jsonl'),
  );
});

test('another precision is another result, and goes on from none of its checkpoints', async () => {
  const whole = await readResult(root(), 'whole');
  const again = await runToResult(root(), await stage('whole', { precision: undefined }));
  expect(again.checkpoint?.digest).not.toBe(whole.checkpoint?.digest);
});
