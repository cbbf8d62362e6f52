import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  lines,
  pin,
  readResult,
  runStage,
  runToResult,
  startTrainer,
  tinyModel,
  waitFor,
  writeStage,
} from '../../support/trainer.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-resume-'));
  await runToResult(root, { name: 'base', settings: { pretrain: { data: ['mixture'], steps: 12, batch: 8 } } });
}, 120_000);
afterAll(() => rm(root, { recursive: true, force: true }));

const evaluation = { data: ['sums'], limit: 4, sampling: { maxNewTokens: 8 } };

/** Stages that save every second step or chunk, so that a kill in the middle has something to go on from. */
const stages = [
  {
    type: 'pretrain',
    fromBase: false,
    settings: { pretrain: { data: ['mixture'], steps: 8, batch: 8, checkpointEvery: 2 } },
  },
  { type: 'sft', fromBase: true, settings: { sft: { data: ['mixture'], epochs: 1, batch: 25, checkpointEvery: 2 } } },
  {
    type: 'grpo',
    fromBase: true,
    settings: {
      grpo: {
        prompts: ['sums'],
        steps: 8,
        promptsPerStep: 2,
        group: 4,
        stepsPerRollout: 2,
        learningRate: 1e-3,
        kl: { coefficient: 0.1, referenceEvery: 3 },
        sampling: { maxNewTokens: 12 },
        rewards: [{ format: {} }, { length: { max: 12, soft: 10 } }, { random: {} }],
        checkpointEvery: 2,
      },
    },
  },
  {
    type: 'rewardModel',
    fromBase: true,
    settings: { rewardModel: { pairs: ['preferences'], batch: 5, learningRate: 1e-3, checkpointEvery: 2 } },
  },
  {
    type: 'sample',
    fromBase: true,
    settings: { sample: { prompts: ['mixture'], perPrompt: 2, keep: [], sampling: { maxNewTokens: 24 } } },
  },
] as const;

test.each(stages)(
  'a $type stage killed in the middle ends in the same checkpoint as one that was not',
  async ({ type, fromBase, settings }) => {
    const model = fromBase ? { input: await pin(root, 'base') } : tinyModel;
    const stage = { settings, model, evaluation };
    const whole = await runToResult(await directory(`whole-${type}`), { name: 'stage', ...stage });

    const killedRoot = await directory(`killed-${type}`);
    const file = await writeStage(killedRoot, { name: 'stage', ...stage, workers: 1 });
    const { process, exit } = startTrainer('run', '--stage', file);
    await waitFor('saved work', () => hasSavedWork(join(killedRoot, 'stage')));
    process.kill('SIGKILL');
    expect((await exit).signal).toBe('SIGKILL');

    const again = await runStage(file);
    expect(again.code).toBe(0);
    expect((await readResult(killedRoot, 'stage')).checkpoint?.digest).toBe(whole.checkpoint?.digest);
    const steps = (await lines(join(killedRoot, 'stage/metrics.jsonl'))).map(
      (line) => (JSON.parse(line) as { step: number }).step,
    );
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));

    const finished = await runStage(file);
    expect(finished.code).toBe(0);
    expect((await readResult(killedRoot, 'stage')).checkpoint?.digest).toBe(whole.checkpoint?.digest);
    expect((await readResult(killedRoot, 'stage')).message).toBe('finished by an earlier attempt');
  },
  120_000,
);

test('SIGTERM saves the work and exits with the code of an interruption', async () => {
  const model = { input: await pin(root, 'base') };
  const interruptedRoot = await directory('interrupted');
  const settings = { sft: { data: ['mixture'], epochs: 40, batch: 8, checkpointEvery: 1000 } };
  const file = await writeStage(interruptedRoot, { name: 'stage', settings, model });
  const { process, exit } = startTrainer('run', '--stage', file);
  await waitFor('three steps', async () => (await lines(join(interruptedRoot, 'stage/metrics.jsonl'))).length >= 3);
  process.kill('SIGTERM');
  expect(await exit).toMatchObject({ code: 75 });
  const saved = (await readdir(join(interruptedRoot, 'stage'))).filter((name) => /^step-\d+$/.test(name));
  expect(saved).toHaveLength(1);
  expect(await readResult(interruptedRoot, 'stage')).toMatchObject({ outcome: 'interrupted' });
}, 60_000);

test('a checkpoint whose digest is wrong is skipped for the one before, and said so', async () => {
  const model = { input: await pin(root, 'base') };
  const damagedRoot = await directory('damaged');
  const settings = { pretrain: { data: ['mixture'], steps: 60, batch: 4, checkpointEvery: 3 } };
  const file = await writeStage(damagedRoot, { name: 'stage', settings, model });
  const { process, exit } = startTrainer('run', '--stage', file);
  await waitFor('two checkpoints', async () => (await checkpoints(join(damagedRoot, 'stage'))).length >= 2);
  process.kill('SIGKILL');
  await exit;
  const [, newest = ''] = (await checkpoints(join(damagedRoot, 'stage'))).slice(-2);
  await writeFile(join(damagedRoot, 'stage', newest, 'model.safetensors'), 'damaged');

  const again = await runStage(file);
  expect(again).toMatchObject({ code: 0 });
  expect(again.stderr).toContain(`${newest}: not used`);
}, 60_000);

async function hasSavedWork(out: string): Promise<boolean> {
  const names = await readdir(out).catch(() => []);
  if (names.some((name) => /^step-\d+$/.test(name))) return true;
  const chunks = names.find((name) => name.startsWith('chunks-'));
  return chunks !== undefined && (await readdir(join(out, chunks))).some((name) => name.endsWith('.json'));
}

async function checkpoints(out: string): Promise<string[]> {
  const names = await readdir(out).catch(() => []);
  return names.filter((name) => /^step-\d+$/.test(name)).toSorted();
}

function directory(name: string): Promise<string> {
  return mkdtemp(join(root, `${name}-`));
}
