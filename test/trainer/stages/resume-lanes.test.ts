import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { SignalWhen } from '../../support/signal-when.ts';
import { beginningOf, type Exit, logOf, readResult, startStage, writeStage } from '../../support/trainer.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-lanes-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Steps of several micro-batches, so that lanes have gradients to sum. */
const stage = {
  name: 'zero',
  settings: {
    grpo: {
      prompts: ['sums'],
      steps: 5,
      promptsPerStep: 8,
      group: 4,
      learningRate: 1e-3,
      kl: { coefficient: 0.1 },
      sampling: { maxNewTokens: 60 },
      rewards: [{ length: { max: 60, soft: 10 } }],
      checkpointEvery: 2,
    },
  },
};

test('a stage killed on two devices goes on on four, and ends as one that was not killed does on one', async () => {
  const [whole, disturbed] = [join(root, 'whole'), join(root, 'disturbed')];
  await Promise.all([whole, disturbed].map(async (directory) => mkdir(directory)));
  expect(await onLanes(1, await writeStage(whole, stage))).toMatchObject({ code: 0, stderr: '' });
  const file = await writeStage(disturbed, stage);
  const killed = await onLanes(2, file, { file: join(disturbed, 'zero/metrics.jsonl'), holds: '"step":3,' });
  expect(killed.signal).toBe('SIGKILL');
  const ended = await onLanes(4, file);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(beginningOf(ended)).toMatchObject({ step: 2, device: 'host, f32' });

  const [expected, result] = await Promise.all([readResult(whole, 'zero'), readResult(disturbed, 'zero')]);
  expect(result.checkpoint?.digest).toBe(expected.checkpoint?.digest);
  const [expectedLog, log] = [await stepsOf(whole), await stepsOf(disturbed)];
  expect(log).toEqual(expectedLog);
  for (const line of log) expect(line).toMatchObject({ 'sampling/sampling_logp_difference/max': 0 });
});

async function onLanes(lanes: number, file: string, when?: SignalWhen): Promise<Exit> {
  return startStage(file, { when, env: { R1_DEVICE: 'host', R1_LANES: String(lanes) } }).ended;
}

/** Without what lanes hold. */
async function stepsOf(directory: string): Promise<object[]> {
  const log = await logOf(join(directory, 'zero'), 'metrics.jsonl');
  return log.map((line) => Object.fromEntries(Object.entries(line).filter(([name]) => !name.startsWith('device/'))));
}
