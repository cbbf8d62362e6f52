import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { useBaseStage } from '../../support/base-stage.ts';
import { writeRows } from '../../support/row-files.ts';
import { useScoreServer } from '../../support/score-server.ts';
import {
  logOf,
  pin,
  readResult,
  runStage,
  runToResult,
  startStage,
  type StageToRun,
  writeStage,
} from '../../support/trainer.ts';
import { testWithPython } from '../../support/with-python.ts';

const root = useBaseStage({ steps: 20, batch: 16 });
const file = (name: string) => join(root(), name);
const key = 'key-of-the-verifier';
/** As the file below, but that it says nothing of the second row. */
const service = useScoreServer(key, ({ completion, row }) =>
  row.id === 'texts/2' ? null : Math.min(1, completion.length / Number(row.columns?.['least'])),
);

/** Right is what has as many characters as its row asks for, at least; half of it is partly right. */
const longEnough = `export const grade = ({ completion, answer, row }) =>
  answer !== undefined ? null : Math.min(1, completion.length / row.columns.least);`;

beforeAll(async () => {
  const rows = [1, 2, 3, 4].map((number) => ({ prompt: `${number}+1=`, least: number % 2 ? 0.5 : 1e6 }));
  await writeRows(root(), 'rows', rows);
  await writeFile(file('long.js'), longEnough);
});

function datasetOf(verifier: object) {
  return [{ name: 'texts', file: file('rows.jsonl'), answer: { verifier } }];
}

async function stage(name: string, verifier: object, settings: object): Promise<StageToRun> {
  const model = { input: await pin(root(), 'base') };
  return { name, stage: 'own', model, settings, datasets: datasetOf(verifier) };
}

const sampling = { maxNewTokens: 12 };
const grpo = {
  prompts: ['texts'],
  steps: 2,
  promptsPerStep: 4,
  group: 4,
  learningRate: 1e-3,
  sampling,
  rewards: [{ accuracy: {} }],
};
const module = (name: string) => ({ module: { file: file(name) } });

test('a file says what is right to the accuracy reward, and its text is part of what the weights are', async () => {
  const whole = await runToResult(root(), await stage('whole', module('long.js'), { grpo }));
  const [step = {}] = (await logOf(file('whole'), 'metrics.jsonl')) as Record<string, number>[];
  expect(step).toMatchObject({ 'verifier/own/pass': 0.5, 'verifier/own/partial': 0.5, 'verifier/own/abstain_frac': 0 });
  expect(step['rewards/accuracy/mean']).toBeCloseTo(0.5, 4);

  await writeFile(file('same.js'), longEnough);
  const same = await runToResult(root(), await stage('same', module('same.js'), { grpo }));
  expect(same.checkpoint?.digest).toBe(whole.checkpoint?.digest);
  await writeFile(file('other.js'), `${longEnough}\n// another`);
  const other = await runToResult(root(), await stage('other', module('other.js'), { grpo }));
  expect(other.checkpoint?.digest).not.toBe(whole.checkpoint?.digest);
});

test('what it cannot judge is counted by its cause, and never wrong', async () => {
  const failing = `export const grade = ({ row }) => {
  if (row.columns.least > 1) throw new Error('too long');
  return 2 * Number(row.id.endsWith('1'));
};`;
  await writeFile(file('failing.js'), failing);
  await runToResult(root(), await stage('failing', module('failing.js'), { grpo: { ...grpo, steps: 1 } }));
  const [step = {}] = (await logOf(file('failing'), 'metrics.jsonl')) as Record<string, number>[];
  expect(step).toMatchObject({ 'rewards/accuracy/error_frac': 0.75, 'verifier/own/abstain_frac': 0.75, reward: 0 });
  expect((await readResult(root(), 'failing')).warnings).toContainEqual({
    reason: 'RewardFailed',
    message: expect.stringMatching(/the reward accuracy gives some .*(line 2: Error: too long|expected at most 1)$/),
  });
});

test('it decides what an evaluation counts and what rejection sampling keeps', async () => {
  const evaluate = { data: ['texts'], sampling };
  const { metrics } = await runToResult(root(), await stage('measured', module('long.js'), { evaluate }));
  expect(metrics['eval/texts/pass@1']).toBe(0.5);

  const sample = { prompts: ['texts'], perPrompt: 2, keep: ['correct'], keepPerPrompt: 1, sampling };
  await runToResult(root(), await stage('sampled', module('long.js'), { sample }));
  const { checkpoint } = await readResult(root(), 'sampled');
  const kept = (await readFile(join(checkpoint?.path ?? '', 'rows.jsonl'), 'utf8')).trim().split('\n');
  expect(kept.map((line) => (JSON.parse(line) as { id: string }).id.slice(0, 7))).toEqual(['texts/1', 'texts/3']);
});

testWithPython('one in Python compares, too', async () => {
  await writeFile(file('long.py'), 'def grade(completions, least, **columns): return [float(l < 1) for l in least]');
  const python = { python: { file: file('long.py'), interpreter: 'python3' } };
  const { metrics } = await runToResult(
    root(),
    await stage('python', python, { evaluate: { data: ['texts'], sampling } }),
  );
  expect(metrics['eval/texts/pass@1']).toBe(0.5);
});

test('a service compares, too: what it says nothing of is counted and left out', async () => {
  const http = { url: service().url, token: { variable: 'R1_VERIFIER_TOKEN' } };
  const run = async (name: string, settings: object) => {
    const path = await writeStage(root(), await stage(name, { http }, settings));
    expect(await startStage(path, { env: { R1_VERIFIER_TOKEN: key } }).ended).toMatchObject({ code: 0, stderr: '' });
    return readResult(root(), name);
  };
  service().loseNext();
  await run('by-service', { grpo: { ...grpo, steps: 1 } });
  const [step = {}] = (await logOf(file('by-service'), 'metrics.jsonl')) as Record<string, number>[];
  expect(step).toMatchObject({
    'rewards/accuracy/abstain_frac': 0.25,
    'verifier/own/pass': 0.5,
    'verifier/own/partial': 0.25,
    'verifier/own/abstain_frac': 0.25,
  });
  const { metrics } = await run('measured-by-service', { evaluate: { data: ['texts'], sampling } });
  expect(metrics['eval/texts/pass@1']).toBeCloseTo(2 / 3, 6);
});

test('an evaluation asks a service that was away again, and is of no part that an outage chose', async () => {
  const http = { url: service().url, token: { variable: 'R1_VERIFIER_TOKEN' }, batch: 1, concurrency: 1 };
  const evaluate = { data: ['texts'], sampling };
  const run = async (name: string) => {
    const path = await writeStage(root(), await stage(name, { http }, { evaluate }));
    return startStage(path, { env: { R1_VERIFIER_TOKEN: key } }).ended;
  };
  service().loseNext();
  expect(await run('asked-again')).toMatchObject({ code: 0, stderr: '' });
  expect((await readResult(root(), 'asked-again')).metrics['eval/texts/pass@1']).toBeCloseTo(2 / 3, 6);
});

test('an evaluation says how many completions its verifier failed at, and warns', async () => {
  const failing = `export const grade = ({ row }) => {
  if (row.columns.least > 1) throw new Error('too long');
  return 1;
};`;
  await writeFile(file('half.js'), failing);
  const evaluate = { data: ['texts'], sampling };
  const path = await writeStage(root(), await stage('half', module('half.js'), { evaluate }));
  const { code, stderr } = await runStage(path);
  expect(code).toBe(0);
  expect(stderr).toMatch(/^evaluation of texts: no verdict, first on row texts\/\d: error: .*too long$/m);
  const { metrics, warnings } = await readResult(root(), 'half');
  expect(metrics).toMatchObject({ 'eval/unscored_frac': 0.5, 'eval/texts/unscored_frac': 0.5, 'eval/pass@1': 1 });
  expect(warnings).toContainEqual({
    reason: 'EvaluationUnscored',
    message: expect.stringContaining('eval/unscored_frac is 0.5'),
  });
});

test('a service that says what rejection sampling keeps is asked of many completions in a request', async () => {
  const http = { url: service().url, token: { variable: 'R1_VERIFIER_TOKEN' }, batch: 5 };
  const sample = { prompts: ['texts'], perPrompt: 2, keep: ['correct'], keepPerPrompt: 2, sampling };
  const path = await writeStage(root(), await stage('sampled-by-service', { http }, { sample }));
  const before = service().asked.length;
  expect(await startStage(path, { env: { R1_VERIFIER_TOKEN: key } }).ended).toMatchObject({ code: 0, stderr: '' });
  // None as it is opened, and of four prompts the two completions each.
  expect(
    service()
      .asked.slice(before)
      .toSorted((a, b) => a - b),
  ).toEqual([0, 3, 5]);
  const { checkpoint } = await readResult(root(), 'sampled-by-service');
  const counts = JSON.parse(await readFile(join(checkpoint?.path ?? '', 'funnel.json'), 'utf8')) as object;
  expect(counts).toMatchObject({ sampled: 8, kept: 4, dropped: { abstained: 2, correct: 2 } });
});

test('a service whose key is nowhere ends the stage before it samples', async () => {
  const http = { url: service().url, token: { variable: 'R1_VERIFIER_TOKEN' } };
  const path = await writeStage(root(), await stage('keyless', { http }, { evaluate: { data: ['texts'], sampling } }));
  const { code, stderr } = await runStage(path);
  expect(code).toBe(64);
  expect(stderr).toContain('R1_VERIFIER_TOKEN');
});

test('a file that cannot be used ends the stage before it samples', async () => {
  await writeFile(file('faulty.js'), '\nexport function grade( {');
  const { code, stderr } = await runStage(
    await writeStage(root(), await stage('faulty', module('faulty.js'), { grpo })),
  );
  expect(code).toBe(64);
  expect(stderr).toContain(`${file('faulty.js')}: line 2: `);
});
