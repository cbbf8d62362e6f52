import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type StageResult, stageResult } from '../../../trainer/contract/files/progress.ts';
import { isOutOfMemory } from '../../../trainer/contract/process/out-of-memory.ts';
import { failureResult } from '../../../trainer/stages/failure.ts';
import { readResult, runStage, writeStage } from '../../support/trainer.ts';

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-result-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const settings = { pretrain: { data: ['mixture'], steps: 3, batch: 4 } };

test('a stage that succeeds leaves in the file what result.json says', async () => {
  const file = await writeStage(root, { name: 'good', settings });
  const said = join(root, 'good.log');
  expect(await runStage(file, undefined, ['--result', said])).toMatchObject({ code: 0, stderr: '' });
  const result = await read(said);
  expect(result).toEqual(await readResult(root, 'good'));
  expect(result.checkpoint?.path).toBe(join(root, 'good/step-000003'));
});

test('a stage that was interrupted says so', async () => {
  const file = await writeStage(root, { name: 'stopped', settings });
  const said = join(root, 'stopped.log');
  const when = { file: join(root, 'stopped/metrics.jsonl'), holds: '"step":1,', signal: 'SIGTERM' } as const;
  expect((await runStage(file, when, ['--result', said])).code).toBe(75);
  expect(await read(said)).toMatchObject({
    outcome: 'interrupted',
    message: expect.stringMatching(/^asked to stop; saved step [12] of 3$/),
  });
});

test('a signal that comes before the first step is heeded before it', async () => {
  const file = await writeStage(root, { name: 'early', settings });
  expect(await runStage(file, { file, signal: 'SIGTERM' })).toMatchObject({
    code: 75,
    stderr: expect.stringMatching(
      /^interrupted: asked to stop; saved (step 0 of 3|nothing; \d+ of 200 rows were checked)\n$/,
    ),
  });
});

test('a stage that must compute on GPUs fails at once in words, for good, where there is none that it can use', async () => {
  const file = await writeStage(root, { name: 'gpu', settings, device: 'cuda' });
  const said = join(root, 'gpu.log');
  expect((await runStage(file, undefined, ['--result', said])).code).toBe(64);
  const { message } = await read(said);
  expect(message).toMatch(/^device: cuda: .*; on a cluster the stage asks for nvidia\.com\/gpu and its node has /);
});

test.each([
  { name: 'is not there', content: undefined, says: 'expected a stage file in JSON' },
  { name: 'is no JSON', content: '{', says: 'expected a stage file in JSON' },
  { name: 'lacks what it must have', content: '{"seed": "one"}', says: 'seed: Invalid input: expected number' },
])('a stage file that $name is a user error that the file tells', async ({ content, says }) => {
  const directory = await mkdtemp(join(root, 'bad-'));
  const file = join(directory, 'stage.json');
  if (content !== undefined) await writeFile(file, content);
  const said = join(directory, 'said.log');
  expect((await runStage(file, undefined, ['--result', said])).code).toBe(64);
  expect(await read(said)).toMatchObject({
    outcome: 'failed',
    reason: 'userError',
    message: expect.stringContaining(says),
  });
});

test('a stage whose directory cannot be made still says why', async () => {
  await writeFile(join(root, 'in-the-way'), '');
  const file = await writeStage(root, { name: 'nowhere', settings, out: join(root, 'in-the-way/out') });
  const said = join(root, 'nowhere.log');
  expect((await runStage(file, undefined, ['--result', said])).code).toBe(1);
  expect(await read(said)).toMatchObject({
    outcome: 'failed',
    reason: 'bug',
    message: expect.stringContaining('ENOTDIR'),
  });
});

test('a final checkpoint that does not read back as it was written is no success', async () => {
  const file = await writeStage(root, { name: 'damaged', settings });
  const path = join(root, 'damaged/step-000003/config.json');
  const damage = { file: path, write: ' ' };
  const said = join(root, 'damaged.log');
  expect((await runStage(file, damage, ['--result', said])).code).toBe(69);
  expect(await read(said)).toMatchObject({
    reason: 'unavailable',
    message: expect.stringMatching(/^the checkpoint does not read back as it was written: .*config.json: has 1 bytes/),
  });
  expect(await readdir(join(root, 'damaged'))).toContain('step-000003');
});

test('memory that ran out has its own reason, wherever it was noticed', () => {
  const errors = [
    Object.assign(new Error('Worker terminated due to reaching memory limit: JS heap out of memory'), {
      code: 'ERR_WORKER_OUT_OF_MEMORY',
    }),
    new RangeError('Array buffer allocation failed'),
    new Error('std::bad_alloc'),
    Object.assign(new Error('spawn ENOMEM'), { code: 'ENOMEM' }),
  ];
  expect(errors.map((error) => failureResult(error).reason)).toEqual(errors.map(() => 'outOfMemory'));
  expect(isOutOfMemory(new RangeError('Invalid array length'))).toBe(false);
});

async function read(path: string): Promise<StageResult> {
  const text = await readFile(path, 'utf8');
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4096);
  return stageResult.parse(JSON.parse(text));
}
