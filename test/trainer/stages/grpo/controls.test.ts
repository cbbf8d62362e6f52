import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { resultMetrics } from '../../../../trainer/contract/settings/result-metrics.ts';
import { stageSettings } from '../../../../trainer/contract/settings/settings.ts';
import { controlSettings } from '../../../../trainer/stages/grpo/controls.ts';
import { evaluation } from '../../../../trainer/contract/settings/training.ts';
import { datasetsIn, writeRows } from '../../../support/row-files.ts';
import {
  lines,
  pin,
  progressOf,
  readResult,
  runStage,
  runToResult,
  type StageToRun,
  writeStage,
} from '../../../support/trainer.ts';

// A base that knows the digits of forty letters halfway. The reward accuracy brings it to know most; no control does.
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-controls-'));
  const letters = Array.from('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN');
  const rows = letters.map((prompt, at) => ({
    prompt,
    completion: `<answer>${at % 10}</answer>`,
    answer: `${at % 10}`,
  }));
  await writeRows(root, 'letters', rows);
  await writeRows(root, 'asked', rows); // nobody learns from it
  await writeRows(root, 'few', rows.slice(0, 10));
  await writeRows(root, 'few-documents', Array.from({ length: 40 }, () => rows.slice(0, 10)).flat());
  await writeRows(root, 'documents', Array.from({ length: 20 }, () => rows).flat());
  const settings = { sft: { data: ['documents'], epochs: 4, batch: 40, learningRate: 1e-2 } };
  await runToResult(root, { name: 'base', settings, datasets: datasetsIn(root, 'documents') });
}, 60_000);
afterAll(() => rm(root, { recursive: true, force: true }));

async function stage(name: string, more: object = {}): Promise<StageToRun> {
  const sampling = { maxNewTokens: 24 };
  const grpo = {
    prompts: ['letters'],
    steps: 60,
    promptsPerStep: 20,
    group: 8,
    learningRate: 1e-3,
    schedule: { warmupSteps: 8 },
    kl: { coefficient: 0 },
    sampling,
    rewards: [{ accuracy: {} }],
    ...more,
  };
  return {
    name,
    stage: 'zero',
    settings: { grpo },
    model: { input: await pin(root, 'base') },
    datasets: datasetsIn(root, 'letters', 'asked'),
    evaluation: { data: ['asked'], samples: 8, sampling },
  };
}

test('a stage that learns is above its negative controls, which a kill does not run again', async () => {
  const controlled = await stage('learns', { controls: ['zeroLr', 'random', 'shuffled'] });
  const path = await writeStage(root, controlled);
  const out = join(root, 'learns');
  const killed = await runStage(path, { file: join(out, 'controls/zeroLr.json') });
  expect(killed.signal).toBe('SIGKILL');
  const ended = await runStage(path);
  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect([...new Set(progressOf(ended).map(({ phase }) => phase.split(':')[0]))]).toEqual(
    expect.arrayContaining(['random', 'shuffled']),
  );
  expect(progressOf(ended).filter(({ phase }) => phase.startsWith('zeroLr'))).toEqual([]);

  const { metrics, message, warnings } = await readResult(root, 'learns');
  expect(message).toMatch(
    /; pass@1 against its controls: zeroLr \+\S+ \(95 % interval \+\S+ … \+\S+\), random \+.*, shuffled \+/,
  );
  expect(warnings).toBeUndefined();
  for (const control of ['zeroLr', 'random', 'shuffled'])
    expect(metrics[`control/${control}/difference_low`]).toBeGreaterThan(0);
  const [start] = (await lines(join(out, 'metrics.jsonl'))).map((line) => JSON.parse(line) as Record<string, number>);
  expect(metrics['control/zeroLr/pass@1']).toBe(start?.['eval/pass@1']); // answer by answer the model of the start
  expect((await readdir(join(out, 'controls'))).toSorted()).toEqual(['random.json', 'shuffled.json', 'zeroLr.json']);
  const known = resultMetrics(stageSettings.parse(controlled.settings), evaluation.parse(controlled['evaluation']));
  expect(Object.keys(metrics).filter((each) => !known.includes(each))).toEqual([]);
});

test('a stage that learns nothing is told from one that does', async () => {
  const { warnings } = await runToResult(
    root,
    await stage('idle', { steps: 2, learningRate: 0, controls: ['zeroLr'] }),
  );
  expect(warnings).toEqual([
    {
      reason: 'NotAboveControl',
      message: expect.stringMatching(
        /^pass@1 is not measurably above that of a negative control: zeroLr \+0\.00 \(95 % interval −\S+ … \+\S+\); nothing shows/,
      ),
    },
  ]);
});

test.each([
  { control: 'random', discount: 1 },
  { control: 'shuffled', discount: 1 },
  { control: 'zeroLr', discount: 0.8 },
] as const)('a further try counts $discount in the control $control', async ({ control, discount }) => {
  const { settings } = await stage('refined', { refine: { rounds: 1 } });
  const { grpo } = controlSettings(stageSettings.parse(settings), control);
  expect(grpo?.refine).toEqual({ rounds: 1, discount });
});

test('controls without a measure are refused before the first step', async () => {
  const { evaluation: _, ...unmeasured } = await stage('unmeasured', { controls: ['random'] });
  const { code, stderr } = await runStage(await writeStage(root, unmeasured));
  expect(code).toBe(64);
  expect(stderr).toContain('grpo.controls: found no evaluation on held-out rows');
});

test.each([
  { type: 'sft', settings: { epochs: 4 }, controls: ['shuffled', 'zeroLr'] },
  { type: 'pretrain', settings: { steps: 80 }, controls: ['shuffled'] },
])('$type that teaches answers is above its controls: $controls', async ({ type, settings, controls }) => {
  const learns: StageToRun = {
    name: `taught-by-${type}`,
    datasets: datasetsIn(root, 'few-documents', 'few'),
    settings: { [type]: { data: ['few-documents'], batch: 20, learningRate: 1e-2, controls, ...settings } },
    evaluation: { data: ['few'], samples: 8, sampling: { maxNewTokens: 24 } },
  };
  const { metrics, warnings, message } = await runToResult(root, learns);
  expect(message).toMatch(/; pass@1 against its controls: shuffled \+\S+ \(95 % interval \+/);
  expect(warnings).toBeUndefined();
  for (const control of controls) expect(metrics[`control/${control}/difference_low`]).toBeGreaterThan(0);
  const known = resultMetrics(stageSettings.parse(learns.settings), evaluation.parse(learns['evaluation']));
  expect(Object.keys(metrics).filter((each) => !known.includes(each))).toEqual([]);
});

test('rows without prompts have no completions to shuffle', async () => {
  await writeFile(join(root, 'texts.jsonl'), '{"text": "one"}\n{"text": "two"}\n');
  const path = await writeStage(root, {
    name: 'texts',
    datasets: datasetsIn(root, 'texts', 'asked'),
    settings: { pretrain: { data: ['texts'], steps: 1, controls: ['shuffled'] } },
    evaluation: { data: ['asked'] },
  });
  const { code, stderr } = await runStage(path);
  expect(code).toBe(64);
  expect(stderr).toContain('pretrain.controls: found no row with a prompt, expected some for shuffled');
});
