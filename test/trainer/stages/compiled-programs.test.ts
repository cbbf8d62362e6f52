import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { useBaseStage } from '../../support/base-stage.ts';
import { type NotedProgram, programsVariable } from '../../support/note-programs.ts';
import { lines, pin, startStage, writeStage } from '../../support/trainer.ts';

const root = useBaseStage({ steps: 12, batch: 8 });

const sampling = { maxNewTokens: 12 };
const settings = {
  // Everything that a stage of reinforcement learning has programs for: a reference, an evaluation, updates of several rollouts.
  grpo: {
    prompts: ['sums'],
    steps: 4,
    promptsPerStep: 8,
    group: 16,
    kl: { coefficient: 0.1, referenceEvery: 3 },
    sampling,
    rewards: [{ format: {} }, { random: {} }],
  },
  sft: { data: ['mixture'], epochs: 1, batch: 25 },
  rewardModel: { pairs: ['preferences'], batch: 5 },
} as const;

test.each([
  ['grpo', 'f32'],
  ['grpo', 'bf16'],
  ['sft', 'bf16'],
  ['rewardModel', 'bf16'],
] as const)('a %s stage in %s compiles at most 12 programs, each of them once in a thread', async (type, precision) => {
  const name = `${type}-${precision}`;
  const file = await writeStage(root(), {
    name,
    settings: { [type]: settings[type] },
    model: { input: await pin(root(), 'base') },
    precision,
    ...(type !== 'rewardModel' && { evaluation: { data: ['sums'], samples: 2, sampling, every: 2 } }),
  });
  const programs = join(root(), `${name}.programs.jsonl`);
  const preload = join(import.meta.dirname, '../../support/note-programs.ts');
  const { code, stderr } = await startStage(file, { preload, env: { [programsVariable]: programs } }).ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });

  const noted = (await lines(programs)).map((line) => JSON.parse(line) as NotedProgram);
  const ofThreads = Map.groupBy(noted, ({ thread }) => thread);
  expect(ofThreads.size).toBe(2);
  for (const compiled of ofThreads.values()) {
    const keys = compiled.map(({ key }) => key).toSorted();
    expect(keys).toEqual([...new Set(keys)]);
  }
  expect(new Set(noted.map(({ key }) => key)).size).toBeLessThanOrEqual(12);
});
