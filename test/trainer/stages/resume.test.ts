import { mkdtemp, readdir, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { stepDirectory } from '../../../trainer/contract/files/checkpoint.ts';
import { useBaseStage } from '../../support/base-stage.ts';
import {
  lines,
  logOf,
  pin,
  beginningOf,
  workOf,
  readResult,
  runStage,
  tinyModel,
  writeStage,
} from '../../support/trainer.ts';

const root = useBaseStage({ steps: 12, batch: 8 });

const sampling = { maxNewTokens: 8 };
const settings = {
  pretrain: { data: ['mixture'], steps: 8, batch: 8, checkpointEvery: 2 },
  sft: { data: ['mixture'], epochs: 1, batch: 25, checkpointEvery: 2 },
  // Rollouts of two steps; samples of every tenth rollout are logged.
  grpo: {
    prompts: ['sums'],
    steps: 24,
    promptsPerStep: 2,
    group: 4,
    stepsPerRollout: 2,
    learningRate: 1e-3,
    kl: { coefficient: 0.1, referenceEvery: 3, referenceMixup: 0.5 },
    entropy: { coefficient: 0.01, band: { low: 0.5, high: 1 }, topQuantile: 0.5 },
    dynamicSampling: { maxRounds: 2 },
    curriculum: {},
    sampling: { maxNewTokens: 12 },
    lengthSchedule: [{ untilStep: 11, maxNewTokens: 6 }],
    rewards: [{ format: {} }, { length: { max: 12, soft: 10 } }],
    checkpointEvery: 10,
  },
  rewardModel: { pairs: ['preferences'], batch: 5, learningRate: 1e-3, checkpointEvery: 2 },
  sample: { prompts: ['mixture'], perPrompt: 2, keep: [], sampling },
  review: { data: 'samples', required: false },
  evaluate: { data: ['sums'], limit: 4, sampling },
} as const;
type Type = keyof typeof settings;

test.each([
  { type: 'pretrain', done: 5, saved: 4, steps: 8 },
  { type: 'sft', done: 5, saved: 4, steps: 8 },
  { type: 'grpo', done: 21, saved: 20, steps: 24 },
  { type: 'rewardModel', done: 5, saved: 4, steps: 8 },
] as const)(
  'a $type stage killed at step $done and between its last checkpoint and its result repeats no step up to $saved',
  async ({ type, done, saved, steps }) => {
    const { out, file } = await prepare(type, { workers: 1 });
    const killed = await runStage(file, { file: join(out, 'metrics.jsonl'), holds: `"step":${done},` });
    expect(killed.signal).toBe('SIGKILL');
    expect((await checkpoints(out)).at(-1)).toBe(stepDirectory(saved));
    const logged = await lines(join(out, 'metrics.jsonl'));
    const kept = logged.filter((line) => (JSON.parse(line) as { step: number }).step <= saved);
    expect(kept.length).toBeLessThan(logged.length);

    const last = join(out, stepDirectory(steps));
    const killedAgain = await runStage(file, { file: join(last, 'checkpoint.json') });
    expect(killedAgain.signal).toBe('SIGKILL');
    expect(beginningOf(killedAgain)).toMatchObject({ step: saved });
    expect((await lines(join(out, 'metrics.jsonl'))).slice(0, kept.length)).toEqual(kept); // with their times
    const published = await identity(last);

    const ended = await runStage(file);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(workOf(ended).filter(({ step }) => step < steps)).toEqual([]);
    expect(await identity(last)).toEqual(published);
    await expectAsUndisturbed(type, out, { message: 'finished by an earlier attempt' });
  },
);

test('a sample stage killed between two chunks and between its rows and its result samples no chunk twice', async () => {
  const { out, file } = await prepare('sample', { workers: 1 });
  const killed = await runStage(file, { file: join(out, 'chunks-*/000001.json') });
  expect(killed.signal).toBe('SIGKILL');
  const chunks = await chunkFiles(out);
  expect(chunks).toHaveLength(2);

  const killedAgain = await runStage(file, { file: join(out, 'data/checkpoint.json') });
  expect(killedAgain.signal).toBe('SIGKILL');
  const allChunks = await chunkFiles(out);
  expect(allChunks).toHaveLength(4);
  expect(allChunks.slice(0, 2)).toEqual(chunks);
  const published = await identity(join(out, 'data'));

  expect(await runStage(file)).toMatchObject({ code: 0, stderr: '' });
  expect(await chunkFiles(out)).toEqual(allChunks);
  expect(await identity(join(out, 'data'))).toEqual(published);
  await expectAsUndisturbed('sample', out, { message: 'finished by an earlier attempt' });
});

test('an evaluate stage killed between its metrics and its samples logs both once', async () => {
  const { out, file } = await prepare('evaluate');
  const killed = await runStage(file, { file: join(out, 'metrics.jsonl'), holds: 'eval/pass@1' });
  expect(killed.signal).toBe('SIGKILL');
  expect(await runStage(file)).toMatchObject({ code: 0, stderr: '' });
  await expectAsUndisturbed('evaluate', out);
});

test('a review stage killed once it has written its rows ends as one that was not', async () => {
  const { out, file } = await prepare('review');
  expect((await runStage(file, { file: join(out, 'data/checkpoint.json') })).signal).toBe('SIGKILL');
  expect(await runStage(file)).toMatchObject({ code: 0, stderr: '' });
  await expectAsUndisturbed('review', out);
});

test.each([
  { type: 'sft', done: 3, saved: 3, steps: 8 }, // before the step's evaluation
  { type: 'grpo', done: 3, saved: 3, steps: 24 }, // within a rollout, before the step's evaluation
  { type: 'grpo', done: 4, saved: 5, steps: 24 }, // within a rollout, in the next step's report
  { type: 'rewardModel', done: 3, saved: 4, steps: 8 },
] as const)(
  'SIGTERM after step $done of $type saves step $saved, exits with the code of an interruption, and no step is repeated',
  async ({ type, done, saved, steps }) => {
    const { out, file } = await prepare(type);
    const when = { file: join(out, 'metrics.jsonl'), holds: `"step":${done},`, signal: 'SIGTERM' } as const;
    const stopped = await runStage(file, when);
    expect(stopped.code).toBe(75);
    expect(stopped.stderr).toBe(`interrupted: asked to stop; saved step ${saved} of ${steps}\n`);
    expect(await readResult(out, '')).toMatchObject({ outcome: 'interrupted', reason: 'interrupted' });
    const kept = await lines(join(out, 'metrics.jsonl'));

    const again = await runStage(file);
    expect(beginningOf(again)).toMatchObject({ step: saved });
    expect((await lines(join(out, 'metrics.jsonl'))).slice(0, kept.length)).toEqual(kept);
    await expectAsUndisturbed(type, out);
  },
);

test('SIGTERM lets a sample stage end its chunk, and the next attempt goes on with the one after', async () => {
  const { out, file } = await prepare('sample');
  const when = { file: join(out, 'chunks-*/000000.json'), signal: 'SIGTERM' } as const;
  expect((await runStage(file, when)).code).toBe(75);
  const chunks = await chunkFiles(out);
  expect(chunks.length).toBeLessThan(4);
  expect(await runStage(file)).toMatchObject({ code: 0, stderr: '' });
  expect((await chunkFiles(out)).slice(0, chunks.length)).toEqual(chunks);
  await expectAsUndisturbed('sample', out);
});

test('checkpoints that are half-written or damaged are passed over for the one before, and said so', async () => {
  const { out, file } = await prepare('pretrain');
  const killed = await runStage(file, { file: join(out, `${stepDirectory(6)}.*.partial/model.safetensors`) });
  expect(killed.signal).toBe('SIGKILL');
  expect(await checkpoints(out)).toEqual([stepDirectory(2), stepDirectory(4)]);
  await truncate(join(out, stepDirectory(4), 'model.safetensors'), 5000);

  const again = await runStage(file);
  expect(again.code).toBe(0);
  expect(again.stderr.trim().split('\n')).toEqual([expect.stringContaining(`${stepDirectory(4)}: not used: `)]);
  expect(beginningOf(again)).toMatchObject({ step: 2 });
  expect((await readdir(out)).filter((name) => name.endsWith('.partial'))).toEqual([]);
  const message = expect.stringMatching(/^steps are done again, on from step 2: step-000004 is not used: /);
  await expectAsUndisturbed('pretrain', out, { warnings: [{ reason: 'DoneAgain', message }] });
});

/** A stage file of this type and a directory of its own. */
async function prepare(type: Type, more: object = {}): Promise<{ directory: string; out: string; file: string }> {
  const directory = await mkdtemp(join(root(), `${type}-`));
  const file = await writeStage(directory, {
    name: 'stage',
    settings: { [type]: settings[type] },
    model: type === 'pretrain' ? tinyModel : { input: await pin(root(), 'base') },
    evaluation: { data: ['sums'], limit: 4, sampling, every: 3 },
    ...(type === 'review' && { inputs: { samples: await pin(await undisturbed('sample'), 'stage') } }),
    ...more,
  });
  return { directory, out: join(directory, 'stage'), file };
}

const wholeRuns = new Map<Type, Promise<string>>();

/** The directory of a run of the same stage that nothing disturbed; it runs once. */
function undisturbed(type: Type): Promise<string> {
  const run = async (): Promise<string> => {
    const { directory, file } = await prepare(type);
    expect(await runStage(file)).toMatchObject({ code: 0, stderr: '' });
    return directory;
  };
  const whole = wholeRuns.get(type) ?? run();
  wholeRuns.set(type, whole);
  return whole;
}

/** Digest, figures and logs are those of a run that nothing disturbed, and the result names the checkpoint and no more than `more`. */
async function expectAsUndisturbed(type: Type, out: string, more: object = {}): Promise<void> {
  const whole = join(await undisturbed(type), 'stage');
  const expected = await readResult(whole, '');
  const result = await readResult(out, '');
  expect(result).toEqual({
    ...expected,
    ...more,
    ...(expected.checkpoint && {
      checkpoint: { ...expected.checkpoint, path: expected.checkpoint.path.replace(whole, out) },
    }),
  });
  expect((await stat(join(out, 'result.json'))).size).toBeLessThanOrEqual(4096);
  if (result.checkpoint) expect(Object.keys(result.checkpoint).toSorted()).toEqual(['digest', 'path', 'step']);
  for (const log of ['metrics.jsonl', 'samples.jsonl'] as const)
    expect(await logOf(out, log)).toEqual(await logOf(whole, log));
}

async function checkpoints(out: string): Promise<string[]> {
  return (await readdir(out)).filter((name) => /^step-\d+$/.test(name)).toSorted();
}

async function chunkFiles(out: string): Promise<object[]> {
  const folder = (await readdir(out)).find((name) => name.startsWith('chunks-')) ?? '';
  const names = (await readdir(join(out, folder))).filter((name) => name.endsWith('.json')).toSorted();
  return Promise.all(names.map((name) => identity(join(out, folder, name))));
}

/** Another one as soon as a file or directory was written again. */
async function identity(path: string): Promise<{ path: string; inode: number; modifiedMs: number }> {
  const { ino, mtimeMs } = await stat(path);
  return { path, inode: ino, modifiedMs: mtimeMs };
}
