import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { CheckedRows } from '../../../../trainer/contract/settings/checked-rows.ts';
import { useBaseStage } from '../../../support/base-stage.ts';
import { logOf, pin, progressOf, readResult, runStage, runToResult, writeStage } from '../../../support/trainer.ts';

/** The tiny model's context holds 128 tokens; a byte is one. */

const root = useBaseStage({ steps: 1, batch: 4 });

let stages = 0;

/** Runs a stage on a file of these rows. */
async function run(settings: object, rows: readonly object[], more: object = {}) {
  const name = `stage-${++stages}`;
  const file = join(root(), `${name}.jsonl`);
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const datasets = [{ name: 'own', file, ...('answer' in (rows[0] ?? {}) && { answer: { kind: 'number' } }) }];
  const model = { input: await pin(root(), 'base') };
  const exit = await runStage(await writeStage(root(), { name, model, settings, datasets, ...more }));
  const out = join(root(), name);
  const checked = await readFile(join(out, 'checked-rows.json'), 'utf8').then(
    (text) => JSON.parse(text) as CheckedRows,
    () => undefined,
  );
  return { ...exit, out, result: await readResult(root(), name), checked };
}

const times = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item);
const long = 'x'.repeat(200);
const [sum, longSum] = [
  { prompt: '1+1=', answer: '2' },
  { prompt: long, answer: '2' },
];
const [pair, longPair] = [
  { prompt: 'Hi', chosen: 'Hello!', rejected: 'No.' },
  { prompt: long, chosen: 'Hello!', rejected: 'No.' },
];
const [text, longText] = [
  { prompt: '1+1=', completion: '2' },
  { prompt: '1+1=', completion: long },
];

const grpo = {
  prompts: ['own'],
  steps: 1,
  promptsPerStep: 4,
  group: 2,
  rewards: [{ format: {} }],
  sampling: { maxNewTokens: 4 },
};
const sample = { prompts: ['own'], perPrompt: 1, keep: [], sampling: { maxNewTokens: 4 } };

test.each([
  { type: 'grpo', settings: { grpo }, rows: [sum, longSum, sum, sum] },
  { type: 'sample', settings: { sample }, rows: [sum, longSum, sum, sum] },
  { type: 'sft', settings: { sft: { data: ['own'], epochs: 1, batch: 3 } }, rows: [text, longText, text, text] },
  {
    type: 'rewardModel',
    settings: { rewardModel: { pairs: ['own'], batch: 3 } },
    rows: [pair, longPair, pair, pair],
  },
])('$type leaves out a row that is too long, and says so in log, metrics, file and warning', async (stage) => {
  const { code, stderr, out, result, checked, stdout } = await run(stage.settings, stage.rows);
  expect([code, stderr]).toEqual([
    0,
    expect.stringMatching(/own: 3 of 4 rows are used; dropped: 1 \w+ \(first: row own\/2: it/),
  ]);
  const [found] = await logOf(out, 'metrics.jsonl');
  expect(found).toMatchObject({ 'data/rows': 4, 'data/used': 3 });
  expect(Object.keys(found ?? {}).join()).toMatch(/data\/dropped_(overlong|no_room)/);
  expect(checked?.parts['train']).toMatchObject({ rows: 4, used: 3, places: [1] });
  expect(result.warnings).toEqual([{ reason: 'RowsDropped', message: expect.stringContaining('3 of 4 rows') }]);
  expect(progressOf({ stdout }).at(-1)?.warnings).toEqual(result.warnings);
});

test('an evaluated row that is too long is left out before the first step', async () => {
  const rows = [...times(5, sum), longSum];
  const evaluation = { data: ['own'], sampling: { maxNewTokens: 4 } };
  const settings = { pretrain: { data: ['mixture'], steps: 1, batch: 4 } };
  const file = join(root(), 'evaluated.jsonl');
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const datasets = [
    { name: 'mixture', generator: { task: 'mixture', rows: 20, digits: 1 } },
    { name: 'own', file, answer: { kind: 'number' } },
  ];
  await runToResult(root(), { name: 'evaluating', settings, datasets, evaluation });
  const [first] = await logOf(join(root(), 'evaluating'), 'metrics.jsonl');
  const found = { 'data/rows': 20, 'data/used': 20, 'data/evaluation/own/rows': 6, 'data/evaluation/own/used': 5 };
  expect(first).toMatchObject({ step: 1, ...found });
  expect((await readResult(root(), 'evaluating')).metrics).toMatchObject(found);
});

test.each([
  {
    name: 'a longer prompt, if asked to',
    settings: { grpo: { ...grpo, maxPromptTokens: 20, overlong: 'refuse' } },
    rows: [sum, { prompt: 'x'.repeat(30), answer: '2' }, longSum],
    says: 'row own/2: its prompt has 32 tokens; maxPromptTokens is 20; 1 more of the 3 rows of grpo.prompts own cannot be used either',
  },
  {
    name: 'a missing completion',
    settings: { sft: { data: ['own'] } },
    rows: [text, { prompt: '1+1=' }, text],
    says: 'row own/2: it has no completion; expected one for training',
  },
  {
    name: 'a missing pair',
    settings: { rewardModel: { pairs: ['own'] } },
    rows: [pair, { prompt: 'Hi' }],
    says: 'row own/2: it has no pair',
  },
  {
    name: 'prompts of which none can be used',
    settings: { grpo },
    rows: [longSum, longSum],
    says: 'grpo.prompts own: 0 of 2 rows are used; dropped: 2 no_room (first: row own/1: its prompt has 202 tokens; ',
  },
  {
    name: 'pairs that all have the same tokens',
    settings: { rewardModel: { pairs: ['own'] } },
    rows: [{ prompt: 'Hi', chosen: 'a', rejected: 'a' }],
    says: 'rewardModel.pairs own: 0 of 1 rows are used; dropped: 1 equal_pair (first: row own/1: ',
  },
])('$name ends the stage before its first step', async ({ settings, rows, says }) => {
  const { code, stderr, result } = await run(settings, rows);
  expect([code, stderr.split('\n').length - 1]).toEqual([64, 1]);
  expect(result.message).toContain(says);
});

test('what was found is kept, so that a later attempt need not look at all rows again', async () => {
  const settings = { sft: { data: ['own'], epochs: 1, batch: 3 } };
  const { out, checked } = await run(settings, [text, longText, text, text]);
  await rm(join(out, 'step-000001'), { recursive: true });
  const first = await logOf(out, 'metrics.jsonl');
  // A row that the file says was dropped is taken at its word.
  const changed = { ...checked, parts: { train: { ...checked?.parts['train'], places: [0, 1] } } };
  await writeFile(join(out, 'checked-rows.json'), JSON.stringify(changed));
  await runStage(`${out}.json`);
  const second = await logOf(out, 'metrics.jsonl');
  expect(second.at(-1)).toMatchObject({ global_step: 1, num_tokens: 2 * 8, 'data/used': 3 });
  expect(first.at(-1)).toMatchObject({ global_step: 1, num_tokens: 3 * 8 });
});
