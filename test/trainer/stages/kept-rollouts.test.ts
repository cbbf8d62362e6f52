import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { lines, beginningOf, readResult, runStage, runToResult, writeStage } from '../../support/trainer.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-kept-rollouts-'));
  await runToResult(root, { name: 'whole', settings: settingsOf({ rollouts: 3 }) });
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Rollouts of two steps. */
const settingsOf = (completions: object) => ({
  grpo: {
    prompts: ['sums'],
    steps: 12,
    promptsPerStep: 2,
    group: 2,
    stepsPerRollout: 2,
    learningRate: 1e-3,
    sampling: { maxNewTokens: 8 },
    rewards: [{ format: {} }, { random: {} }],
    checkpointEvery: 4,
    completions,
  },
});

/** Lines by the name of their file. */
async function rollouts(stage: string): Promise<Record<string, readonly string[]>> {
  const directory = join(root, stage, 'rollouts');
  const names = (await readdir(directory)).toSorted();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await lines(join(directory, name))] as const)),
  );
}

const digestOf = async (stage: string) => (await readResult(root, stage)).checkpoint?.digest;

test('the newest rollouts are kept whole', async () => {
  const kept = await rollouts('whole');
  expect(Object.keys(kept)).toEqual(['step-000007.jsonl', 'step-000009.jsonl', 'step-000011.jsonl']);
  expect(Object.values(kept).map(({ length }) => length)).toEqual([8, 8, 8]);
});

test.each([
  { moment: 'a rollout is written down', file: 'rollouts/step-000007.jsonl' },
  { moment: 'a rollout is half written', file: 'rollouts/step-000011.jsonl.*.partial' },
  { moment: 'it is within a rollout', file: 'metrics.jsonl', holds: '"step":11,' },
])(
  'a stage killed when $moment ends with the rollouts and the weights of one that was not',
  async ({ file: name, ...holds }) => {
    const stage = 'killed';
    await rm(join(root, stage), { recursive: true, force: true });
    const file = await writeStage(root, { name: stage, stage: 'whole', settings: settingsOf({ rollouts: 3 }) });
    expect((await runStage(file, { file: join(root, stage, name), ...holds })).signal).toBe('SIGKILL');
    expect(await runStage(file)).toMatchObject({ code: 0, stderr: '' });
    expect(await rollouts(stage)).toEqual(await rollouts('whole'));
    expect(await digestOf(stage)).toBe(await digestOf('whole'));
  },
);

test('what is written down decides no digest, and may change between two attempts', async () => {
  const other = (completions: object) =>
    writeStage(root, { name: 'other', stage: 'whole', settings: settingsOf(completions) });
  const killed = await runStage(await other({ every: 1, count: 1 }), {
    file: join(root, 'other/metrics.jsonl'),
    holds: '"step":6,',
  });
  expect(killed.signal).toBe('SIGKILL');
  const again = await runStage(await other({ rollouts: 1 }));
  expect(again).toMatchObject({ code: 0, stderr: '' });
  expect(beginningOf(again)).toMatchObject({ step: 4 });
  expect(Object.keys(await rollouts('other'))).toEqual(['step-000011.jsonl']);
  expect(await digestOf('other')).toBe(await digestOf('whole'));
});
