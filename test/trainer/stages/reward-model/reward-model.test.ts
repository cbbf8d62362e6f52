import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { generatorSettings, type Row } from '../../../../trainer/contract/settings/dataset.ts';
import { resultMetrics } from '../../../../trainer/contract/settings/result-metrics.ts';
import { stageSettings } from '../../../../trainer/contract/settings/settings.ts';
import { generateRows } from '../../../../trainer/data/generators/generate.ts';
import { readingOfCheckpoint } from '../../../../trainer/stages/policy/reading.ts';
import { exitCodes } from '../../../../trainer/contract/process/exit-codes.ts';
import type { StageResult } from '../../../../trainer/contract/files/progress.ts';
import type { PinnedInput } from '../../../../trainer/contract/settings/stage-file.ts';
import { InputModels } from '../../../../trainer/stages/policy/input-models.ts';
import type { Workspace } from '../../../../trainer/stages/workspace/workspace.ts';
import { pin, runStage, runToResult, type StageToRun, writeStage } from '../../../support/trainer.ts';

let root: string;
let [safe, ofSummaries]: StageResult[] = [];
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-reward-model-'));
  safe = await runToResult(root, labelled('safety'));
  ofSummaries = await runToResult(root, labelled('summaries', { scope: 'summary' }));
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

const safety = { task: 'safety', rows: 320, heldOut: 40, languages: ['en'] } as const;
const training = { batch: 32, epochs: 6, learningRate: 3e-3, schedule: { warmupSteps: 4 } };

function labelled(name: string, settings: object = {}, datasets: readonly object[] = []): StageToRun {
  const rewardModel = { labelled: ['answers'], ...training, ...settings };
  return { name, settings: { rewardModel }, datasets: [{ name: 'answers', generator: safety }, ...datasets] };
}

test('a safety model of labelled responses tells held-out ones apart by their chain of thought', async () => {
  const { metrics } = safe!;
  expect(metrics['eval/roc_auc']).toBeGreaterThan(0.95);
  expect(metrics['eval/roc_auc_low']).toBeGreaterThan(0.8);
  expect(metrics['eval/label_accuracy']).toBeGreaterThan(0.9);
  const names = resultMetrics(stageSettings.parse(labelled('safety').settings), undefined);
  expect(Object.keys(metrics).filter((each) => !names.includes(each))).toEqual([]);
  expect(await readingOfCheckpoint((await pin(root, 'safety')).path)).toEqual({ scope: 'response', rendered: false });
});

test('one that reads the summary alone finds nothing there', async () => {
  const { metrics } = ofSummaries!;
  expect(metrics['eval/roc_auc_low']).toBeLessThan(0.5);
  expect(metrics['eval/roc_auc_high']).toBeGreaterThan(0.5);
  expect(await readingOfCheckpoint((await pin(root, 'summaries')).path)).toEqual({ scope: 'summary', rendered: false });
});

test('another chain of thought alone changes the score of a model that reads responses, and none of one that reads summaries', async () => {
  const inputs = { safety: await pin(root, 'safety'), summaries: await pin(root, 'summaries') };
  const models = new InputModels({
    file: { stage: 'aligned', inputs, workers: 2 },
    inputs: { verified: async ({ path }: PinnedInput) => path },
    progress: { alive: () => undefined },
    stop: { signal: undefined },
  } as unknown as Workspace);
  const row: Row = { id: '1', dataset: 'd', domain: 'general', messages: [{ role: 'user', content: 'Hi, I am Ada.' }] };
  const responses = ['I am kind to Ada.', 'I rob Ada later.'].map((thought) => ({
    row,
    text: `<think>${thought}</think><answer>Hello Ada!</answer>`,
  }));
  try {
    const [kind, unkind] = (await models.score({ from: 'safety' }, responses)) as [number, number];
    expect(kind).toBeGreaterThan(unkind + 1);
    const [one, other] = await models.score({ from: 'summaries' }, responses);
    expect(one).toBe(other);
    const [a, b] = await models.score({ from: 'safety', scope: 'summary' }, responses);
    expect(a).toBe(b);
  } finally {
    await models.close();
  }
});

test('labels by chance teach nothing: the interval of the area holds 0.5', async () => {
  const datasets = [{ name: 'answers', file: await written('chance', byChance('train')), heldOut: {} }];
  datasets[0]!.heldOut = { file: await written('chance-held-out', byChance('heldOut')) };
  const { metrics } = await runToResult(root, { ...labelled('chance'), datasets });
  expect(metrics['eval/roc_auc_low']).toBeLessThan(0.5);
  expect(metrics['eval/roc_auc_high']).toBeGreaterThan(0.5);
});

test.each([
  {
    name: 'one label alone',
    rows: [{ prompt: 'a', completion: 'b', label: true }],
    says: 'rewardModel.labelled answers: found the label true alone, expected rows with true and rows with false',
  },
  {
    name: 'no label',
    rows: [
      { prompt: 'a', completion: 'b', label: true },
      { prompt: 'a', completion: 'b' },
    ],
    says: 'it has no label of true or false, 1 or 0; expected both completion and label for a reward model',
  },
])('rows with $name end the stage before its first step', async ({ name, rows, says }) => {
  const stage = {
    ...labelled(name.replaceAll(' ', '-')),
    datasets: [{ name: 'answers', file: await written(name, rows) }],
  };
  const { code, stderr } = await runStage(await writeStage(root, stage));
  expect({ code, stderr }).toEqual({ code: exitCodes.userError, stderr: expect.stringContaining(says) });
});

function byChance(side: 'train' | 'heldOut'): object[] {
  const rows = [...generateRows('answers', generatorSettings.parse(safety), 3, side)];
  return rows.map(({ messages, completion }, at) => ({ prompt: messages, completion, label: (at * 7919) % 13 < 6 }));
}

async function written(name: string, rows: readonly object[]): Promise<string> {
  const file = join(root, `${name}.jsonl`);
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return file;
}
