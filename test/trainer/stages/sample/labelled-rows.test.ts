import { cp, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { heldOutRowsName, judgeVerdictsName, rowsName } from '../../../../trainer/contract/files/checkpoint.ts';
import type { Row } from '../../../../trainer/contract/settings/dataset.ts';
import { resultMetrics } from '../../../../trainer/contract/settings/result-metrics.ts';
import { rowManifest, rowManifestName } from '../../../../trainer/contract/settings/row-origin.ts';
import { stageSettings } from '../../../../trainer/contract/settings/settings.ts';
import { faultOfOrigin } from '../../../../trainer/data/origins/row-origin.ts';
import { useBaseStage } from '../../../support/base-stage.ts';
import { useJudgeServer } from '../../../support/judge-server.ts';
import { datasetsIn, writeRows } from '../../../support/row-files.ts';
import {
  lines,
  pin,
  readResult,
  runStage,
  runToResult,
  startStage,
  type StageToRun,
  tinyDatasets,
  writeStage,
} from '../../../support/trainer.ts';

const root = useBaseStage({ steps: 40, batch: 16 });

let onQuestion: () => void = () => undefined;

/** Finds a response bad whose thought has a knife, is of two minds about forks, cannot be read where there is a spoon, and finds all good enough with a ladle. */
const judge = useJudgeServer((question) => {
  onQuestion();
  if (question.includes('spoon')) return 'Who can say?';
  if (question.includes('fork')) return '<score>3</score>';
  return `<score>${question.includes('knife') ? 1 : question.includes('ladle') ? 7 : 9}</score>`;
});

const cutlery = ['knife', 'fork', 'spoon', 'cup', 'plate', 'bowl'];
beforeAll(async () => {
  const rows = Array.from({ length: 120 }, (_, at) => {
    const kind = cutlery[at % cutlery.length];
    const own = at % 2 === 0 ? {} : { label: at % 4 === 1 };
    return { prompt: `Number ${at}`, completion: `<think>a ${kind}</think>Number ${at} it is.`, ...own };
  });
  await writeRows(root(), 'responses', rows);
});

async function stage(name: string, more: object = {}, labels: object = {}): Promise<StageToRun> {
  const sample = {
    prompts: ['responses'],
    given: ['responses'],
    keep: [],
    labels: {
      judge: { endpoint: { url: judge().url, model: 'cutlery' }, rubric: 'Is it safe? {{ response }}' },
      heldOut: 0.2,
      ...labels,
    },
    ...more,
  };
  const model = { input: await pin(root(), 'base') };
  const datasets = [...tinyDatasets, ...datasetsIn(root(), 'responses')];
  return { name, stage: 'labelled', model, datasets, settings: { sample } };
}

const rowsOf = async (name: string, file: string): Promise<Row[]> =>
  (await lines(join(root(), name, 'data', file))).map((line) => JSON.parse(line) as Row);
const digestOf = async (name: string) => (await readResult(root(), name)).checkpoint?.digest;
const isBad = ({ completion = '' }: Row): boolean => /knife|fork/.test(completion);

test('a judge labels responses that lack it, and a reward model learns from the labels', async () => {
  const { metrics } = await runToResult(root(), await stage('whole'));
  const [rows, heldOut] = [await rowsOf('whole', rowsName), await rowsOf('whole', heldOutRowsName)];
  for (const row of [...rows, ...heldOut]) expect(row.label).toBe(!isBad(row));
  expect(rows.length + heldOut.length).toBe(100);
  expect(metrics).toMatchObject({
    kept: 100,
    'labels/asked': 120,
    'labels/unjudged': 20,
    'labels/uncertain': 0,
    'labels/labelled_frac': expect.closeTo(100 / 120),
    'labels/good_frac': expect.closeTo(60 / 100),
    'labels/kept': 100,
    'labels/held_out': heldOut.length,
    'labels/unparsable_frac': expect.closeTo(20 / 120),
    'labels/tokens': 120 * 7,
  });
  const known = resultMetrics(stageSettings.parse((await stage('whole')).settings), undefined);
  expect(Object.keys(metrics).filter((name) => !known.includes(name))).toEqual([]);
  const manifest = rowManifest.parse(JSON.parse(await readFile(join(root(), 'whole/data', rowManifestName), 'utf8')));
  expect([...rows, ...heldOut].map((row) => faultOfOrigin(row, manifest)).filter(Boolean)).toEqual([]);
  expect(new Set(rows.map(({ origin }) => origin?.judge?.score))).toEqual(new Set([0.1, 0.3, 0.9]));

  const scores = await runToResult(root(), {
    name: 'scores',
    model: { input: await pin(root(), 'base') },
    inputs: { labelled: await pin(root(), 'whole') },
    settings: { rewardModel: { labelled: ['labelled'], batch: 16, epochs: 1 } },
  });
  expect(scores.metrics).toMatchObject({
    'data/rows': rows.length,
    'data/heldOut/rows': heldOut.length,
    'eval/label_accuracy': expect.any(Number),
  });
});

test('what the judge says stands beside the labels that rows have', async () => {
  const { metrics } = await readResult(root(), 'whole');
  // Rows of odd places have a label, true of every other one: of 20 forks, and of 40 cups and bowls.
  expect(metrics).toMatchObject({
    'labels/own_good_as_good': 20,
    'labels/own_good_as_bad': 10,
    'labels/own_bad_as_good': 20,
    'labels/own_bad_as_bad': 10,
    'labels/own_agreement': 0.5,
    'labels/own_kappa': 0,
  });
});

test('what the judge is of two minds about has no label, and is counted', async () => {
  const { metrics } = await runToResult(root(), await stage('certain', { limit: 24 }, { atLeast: 0.9, atMost: 0.1 }));
  const rows = [...(await rowsOf('certain', rowsName)), ...(await rowsOf('certain', heldOutRowsName))];
  expect(rows.map(({ label, completion = '' }) => label === !completion.includes('knife'))).toEqual(
    Array.from({ length: 16 }, () => true),
  );
  expect(rows.some(({ completion = '' }) => completion.includes('fork'))).toBe(false);
  expect(metrics).toMatchObject({ 'labels/asked': 24, 'labels/unjudged': 4, 'labels/uncertain': 4, kept: 16 });
  const counts = JSON.parse(await readFile(join(root(), 'certain/data/funnel.json'), 'utf8')) as object;
  expect(counts).toMatchObject({ dropped: { unjudged: 4, uncertain: 4 } });
});

test('completions that the stage samples are labelled, too, by several votes, of which it is told how far they agree', async () => {
  const more = { prompts: ['mixture'], given: undefined, limit: 12, perPrompt: 2, keepPerPrompt: 2 };
  const votes = {
    endpoint: { url: judge().url, model: 'cutlery' },
    rubric: 'Would a ladle do? {{ response }}',
    votes: 3,
  };
  // The mean of three times 0.7 is less than 0.7, that of 7, 7 and 7 is not.
  const labels = { judge: { ...votes, sampling: { temperature: 1, maxNewTokens: 8 } }, atLeast: 0.7 };
  const given = await stage('sampled', { ...more, sampling: { maxNewTokens: 12 } }, labels);
  const { metrics } = await runToResult(root(), given);
  expect(metrics['labels/vote_agreement']).toBe(1);
  expect(metrics['labels/own_agreement']).toBeUndefined();
  expect((await rowsOf('sampled', rowsName)).every(({ label }) => label === true)).toBe(true);
});

/** An attempt that ends as its judge is asked for the nth time. */
async function killedAt(path: string, n: number): Promise<NodeJS.Signals | null> {
  const { child, ended } = startStage(path);
  let asked = 0;
  onQuestion = () => void (++asked === n && child.kill('SIGKILL'));
  const { signal } = await ended;
  onQuestion = () => undefined;
  return signal;
}

test('a stage that is killed again and again ends in the same rows, and asks for no verdict that it has', async () => {
  const path = await writeStage(root(), await stage('killed'));
  // In the first 64 prompts, and twice in those behind them.
  for (const n of [5, 65, 40]) expect(await killedAt(path, n)).toBe('SIGKILL');
  const [answered, asked] = [await lines(join(root(), 'killed', judgeVerdictsName)), judge().asked.length];
  expect(answered.length).toBeGreaterThan(64);
  expect(await runStage(path)).toMatchObject({ code: 0, stderr: '' });
  expect(judge().asked.length - asked).toBe(120 - answered.length);
  expect(await digestOf('killed')).toBe(await digestOf('whole'));
});

test('a stage whose verdicts are all there needs no judge, and ends in the same rows', async () => {
  await mkdir(join(root(), 'offline'));
  await cp(join(root(), 'whole', judgeVerdictsName), join(root(), 'offline', judgeVerdictsName));
  const path = await writeStage(root(), await stage('offline'));
  judge().stop();
  expect(await runStage(path)).toMatchObject({ code: 0, stderr: '' });
  expect(await digestOf('offline')).toBe(await digestOf('whole'));
});

test('a judge that says nothing that can be read ends the stage with a message', async () => {
  const labels = { judge: { from: 'base', rubric: '{{ response[:16] }}', sampling: { maxNewTokens: 4 } } };
  const given = { ...(await stage('silent', { limit: 6 }, labels)), inputs: { base: await pin(root(), 'base') } };
  const { code, stderr } = await runStage(await writeStage(root(), given));
  const message =
    'stage labelled: no completion of 6 prompts was labelled: of 6 the judge said nothing that can be read, and 0 are neither good nor bad';
  expect([code, stderr]).toEqual([64, expect.stringContaining(message)]);
});
