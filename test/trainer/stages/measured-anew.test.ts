import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { StageResult } from '../../../trainer/contract/files/progress.ts';
import {
  logOf,
  pin,
  progressOf,
  readResult,
  runStage,
  runToResult,
  workOf,
  writeStage,
} from '../../support/trainer.ts';

let root: string;
let unmeasured: StageResult;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-measured-'));
  await runToResult(root, {
    name: 'base',
    settings: { pretrain: { data: ['mixture'], steps: 1, batch: 4 } },
    evaluation,
  });
  unmeasured = await run('stage');
});
afterAll(() => rm(root, { recursive: true, force: true }));

const evaluation = { data: ['sums'], limit: 4, sampling: { maxNewTokens: 8 } };

const stage = async (name: string, more: object = {}, settings: object = {}) => ({
  name,
  stage: 'stage',
  model: { input: await pin(root, 'base') },
  settings: { sft: { data: ['mixture'], epochs: 1, batch: 50, ...settings } },
  ...more,
});
const run = async (name: string, more: object = {}, settings: object = {}) =>
  runToResult(root, await stage(name, more, settings));
const pairs = (...chosen: string[]) =>
  chosen.map((each) => `${JSON.stringify({ prompt: 'Hi', chosen: each, rejected: 'No.' })}\n`).join('');
const evaluated = async (name: string) =>
  (await logOf(join(root, name), 'metrics.jsonl')).filter(
    (line) => 'eval/pass@1' in line || 'eval_train/pass@1' in line,
  );

test('neither how a model is measured nor how often it is saved decides its digest', async () => {
  const measured = await run('measured', { evaluation: { ...evaluation, every: 1 } }, { checkpointEvery: 1 });
  expect(measured.checkpoint?.digest).toBe(unmeasured.checkpoint?.digest);
  expect(measured.metrics).toMatchObject({ ...unmeasured.metrics, 'eval/pass@1': expect.any(Number) });
});

test('an evaluation that is added to a finished stage measures its checkpoint and what it started from, and trains nothing', async () => {
  const ended = await runStage(await writeStage(root, await stage('stage', { evaluation })));
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(workOf(ended).filter(({ phase }) => phase !== 'evaluate')).toEqual([]);
  const added = await readResult(root, 'stage');
  const measured = await readResult(root, 'measured');
  expect(added).toMatchObject({ checkpoint: { digest: unmeasured.checkpoint?.digest }, metrics: measured.metrics });
  const lines = await evaluated('stage');
  expect(lines).toMatchObject([{ step: 0 }, { step: 4 }]);

  const narrower = await run('stage', { evaluation: { ...evaluation, limit: 3 } });
  expect(narrower.checkpoint).toEqual(added.checkpoint);
  expect(await evaluated('stage')).toMatchObject([{ step: 0 }, { step: 4 }]); // in the place of the others
  await run('stage', { evaluation });
  expect(await evaluated('stage')).toEqual(lines);
});

test('what a stage starts from has the figures that the stage before it ended with', async () => {
  const base = await readResult(root, 'base');
  const [before] = await evaluated('measured');
  expect(before).toMatchObject({ step: 0, 'eval/mean_length': base.metrics['eval/mean_length'] });
  const ended = await runStage(await writeStage(root, await stage('again', { evaluation })));
  const measuredAtStart = progressOf(ended).filter(({ phase, step }) => phase === 'evaluate' && step === 0);
  expect(measuredAtStart).toEqual([]); // on file, and not measured again
  expect(await evaluated('base')).toMatchObject([{ step: 1 }]); // a fresh model knows nothing
});

test('a finished stage whose evaluation fails keeps its checkpoint, and a corrected one is only measured', async () => {
  const kind = { ...evaluation, answers: [{ dataset: 'sums', kind: 'pattern', in: 'completion' }] };
  const finished = await run('corrected');
  const failing = { ...evaluation, data: ['nothing'] };
  const failed = await runStage(await writeStage(root, await stage('corrected', { evaluation: failing })));
  expect(failed).toMatchObject({ code: 64, stderr: expect.stringContaining('"nothing"') });
  const ended = await runStage(await writeStage(root, await stage('corrected', { evaluation: kind })));
  expect(progressOf(ended).filter(({ phase }) => phase === 'train')).toEqual([]);
  expect((await readResult(root, 'corrected')).checkpoint).toEqual(finished.checkpoint);
});

test('figures of rows that a model learns from have another name', async () => {
  const rows = [{ name: 'mixture', generator: { task: 'mixture', rows: 200, digits: 1 } }];
  const datasets = [...rows, { name: 'sums', generator: { task: 'addition', digits: 1, rows: 20 } }];
  const { metrics, warnings } = await run('learned', { datasets, evaluation, trainedOn: ['sums'] });
  expect(warnings).toMatchObject([
    { reason: 'TrainingRowsEvaluated', message: expect.stringContaining('dataset sums has no held-out rows') },
  ]);
  expect(Object.keys(metrics).filter((name) => name.startsWith('eval/'))).toEqual([]);
  expect(metrics).toMatchObject({
    'eval_train/sums/pass@1': expect.any(Number),
    'eval_train/pass@1': expect.any(Number),
  });
  const held = await run('test-set', { datasets, evaluation });
  expect(held.metrics).toMatchObject({ 'eval/sums/pass@1': metrics['eval_train/sums/pass@1'] });
});

test('an evaluation reads answers in its own way', async () => {
  const how = { ...evaluation, limit: 8 };
  const lenient = { ...how, answers: [{ dataset: 'sums', kind: 'pattern', in: 'completion' }] };
  const strict = await run('strict', { evaluation: how });
  const { checkpoint, metrics } = await run('strict', { evaluation: lenient });
  expect(checkpoint).toEqual(strict.checkpoint);
  expect(metrics['eval/mean_length']).toBe(strict.metrics['eval/mean_length']);
  const wrong = { ...how, answers: [{ dataset: 'sums', kind: 'list' }] };
  expect(await runStage(await writeStage(root, await stage('strict', { evaluation: wrong })))).toMatchObject({
    code: 0,
  });
});

test('other held-out pairs measure a finished reward model anew, and train nothing', async () => {
  const [train, heldOut] = [join(root, 'train.jsonl'), join(root, 'held-out.jsonl')];
  await writeFile(train, pairs('Hello!', 'Good day.'));
  await writeFile(heldOut, pairs('Hello.'));
  const datasets = [{ name: 'own', file: train, heldOut: { file: heldOut } }];
  const settings = { rewardModel: { pairs: ['own'], batch: 2 } };
  const model = { input: await pin(root, 'base') };
  const file = await writeStage(root, { name: 'judge', model, settings, datasets });
  expect(await runStage(file)).toMatchObject({ code: 0 });
  const finished = await readResult(root, 'judge');
  await writeFile(heldOut, pairs('Hello.', 'Hi there, how are you?'));
  const ended = await runStage(file);
  expect(progressOf(ended).filter(({ phase }) => phase === 'train')).toEqual([]);
  const { checkpoint, metrics } = await readResult(root, 'judge');
  expect([checkpoint, finished.metrics]).toEqual([
    finished.checkpoint,
    expect.objectContaining({ 'data/heldOut/rows': 1 }),
  ]);
  expect(metrics).toMatchObject({ 'data/heldOut/rows': 2, 'eval/pair_accuracy': expect.any(Number) });
});
