import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { DatasetSettings } from '../../../trainer/contract/settings/dataset.ts';
import { UserError } from '../../../trainer/contract/process/errors.ts';
import type { RowNeed } from '../../../trainer/contract/settings/file-check.ts';
import { lookAtDataset } from '../../../trainer/data/look-at-dataset.ts';
import { parquetOf } from '../../support/parquet-rows.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'r1-look-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

interface Case {
  readonly name: string;
  readonly rows: readonly unknown[];
  readonly settings?: Partial<DatasetSettings>;
  readonly need?: RowNeed;
  readonly needs?: readonly RowNeed[];
  /** Paths of the problems with their messages. */
  readonly says: readonly string[];
}

const cases: Case[] = [
  { name: 'rows with all that is needed', rows: [{ prompt: 'a', answer: 1 }], need: 'answer', says: [] },
  {
    name: 'a row in no known form',
    rows: [{ prompt: 'a' }, { question: 'a' }],
    need: 'prompt',
    says: [
      'datasets.0.file: FILE:2: found field question; expected prompt or messages. columns: {prompt: question} reads question as prompt',
    ],
  },
  ...[
    { row: { problem: 'a', solution: '1' }, uses: ['prompt', 'answer'], columns: 'prompt: problem, answer: solution' },
    { row: { problem: 'a', solution: 'b' }, uses: ['completion'], columns: 'prompt: problem, completion: solution' },
    { row: { question: 'a', answer: '1' }, uses: ['prompt', 'answer'], columns: 'prompt: question' },
    { row: { query: 'a', response: 'b' }, uses: ['completion'], columns: 'prompt: query, completion: response' },
    { row: { input: 'a', target: '1' }, uses: ['answer', 'prompt'], columns: 'prompt: input, answer: target' },
    {
      row: { problem: 'a', reward_model: { ground_truth: '1' } },
      uses: ['prompt', 'answer'],
      columns: 'prompt: problem, answer: reward_model.ground_truth',
    },
    {
      row: { question: 'a', preferred: 'b', dispreferred: 'c' },
      uses: ['pair'],
      columns: 'prompt: question, chosen: preferred, rejected: dispreferred',
    },
    { row: { problem: 'a', solution: '1' }, uses: [], columns: 'prompt: problem, answer: solution' },
  ].map(({ row, uses, columns }) => ({
    name: `fields ${Object.keys(row).join(', ')} for ${uses.join(', ') || 'nobody'} in one message with all columns`,
    rows: [row],
    needs: uses as RowNeed[],
    says: [
      expect.stringMatching(
        new RegExp(
          `^datasets\\.0\\.file: FILE:1: found fields .*; expected prompt or messages\\. columns: {${columns}} reads `,
        ),
      ) as unknown as string,
    ],
  })),
  {
    name: 'an instruction with an answer of another name',
    rows: [{ instruction: 'a', output: '1' }],
    need: 'answer',
    says: [
      'use: FILE: no row has an answer that could be graded; found fields instruction, output. columns: {answer: output} reads output as answer',
    ],
  },
  {
    name: 'a gold answer that cannot be parsed',
    rows: [{ prompt: 'a', answer: 'many' }],
    says: [expect.stringMatching(/^datasets\.0\.file: FILE:1: answer "many" cannot be parsed/) as unknown as string],
  },
  { name: 'one answer among many rows', rows: [{ prompt: 'a' }, { prompt: 'b', answer: 1 }], need: 'answer', says: [] },
  {
    name: 'no answer in any row',
    rows: [{ prompt: 'a', solution: '1' }],
    need: 'answer',
    says: [
      'use: FILE: no row has an answer that could be graded; found fields prompt, solution. columns: {answer: solution} reads solution as answer',
    ],
  },
  {
    name: 'answers in the column that is mapped',
    rows: [{ prompt: 'a', solution: '1' }],
    settings: { columns: { answer: 'solution' } },
    need: 'answer',
    says: [],
  },
  {
    name: 'a row without completion',
    rows: [{ prompt: 'a', completion: 'b' }, { prompt: 'a' }],
    need: 'completion',
    says: ['use: FILE:2: has no completion to train; found fields prompt, completion'],
  },
  {
    name: 'a completion that is labelled bad is nothing to train',
    rows: [
      { prompt: 'a', completion: 'b', label: true },
      { prompt: 'a', completion: 'c', label: false },
    ],
    need: 'completion',
    says: ['use: FILE:2: label: found false, a completion to be unlearned; expected good ones alone'],
  },
  {
    name: 'labels under another name are found',
    rows: [{ prompt: 'a', completion: 'b', safe: true }],
    need: 'label',
    says: [
      'use: FILE:1: has no completion with a label of true or false, 1 or 0; found fields prompt, completion, safe. columns: {label: safe} reads safe as label',
    ],
  },
  {
    name: 'a row without a pair',
    rows: [{ prompt: 'a', accepted: 'b' }],
    need: 'pair',
    says: [
      'use: FILE:1: has no chosen and rejected to compare; found fields prompt, accepted. columns: {chosen: accepted} reads accepted as chosen',
    ],
  },
  {
    name: 'a document as prompt',
    rows: [{ text: 'a' }],
    need: 'prompt',
    says: ['use: FILE:1: found a document without a prompt, expected prompt or messages'],
  },
  { name: 'no rows', rows: [], says: ['datasets.0.file: FILE: found no rows, expected at least one'] },
];

test.each(cases)('$name', async ({ rows, settings, need, needs = need === undefined ? [] : [need], says }) => {
  const file = join(directory, 'rows.jsonl');
  await writeFile(file, rows.map((row) => JSON.stringify(row)).join('\n'));
  const uses = needs.map((each) => ({ path: ['use'], need: each, heldOut: false }));
  const problems = await lookAtDataset({ path: ['datasets', 0], settings: { name: 'rows', file, ...settings } }, uses);
  expect(problems.map(({ path, message }) => `${path.join('.')}: ${message.replaceAll(file, 'FILE')}`)).toEqual(says);
});

test('the held-out file is what evaluation needs answers in', async () => {
  const [file, heldOut] = [join(directory, 'train.jsonl'), join(directory, 'held-out.jsonl')];
  await writeFile(file, '{"prompt": "a", "answer": 1}');
  await writeFile(heldOut, '{"prompt": "a", "gold": 1}');
  const settings = { name: 'rows', file, heldOut: { file: heldOut } };
  const use = { path: ['use'], need: 'answer' as const };
  const look = (inHeldOut: boolean) => lookAtDataset({ path: [], settings }, [{ ...use, heldOut: inHeldOut }]);
  expect(await look(false)).toEqual([]);
  expect(await look(true)).toEqual([
    {
      path: ['use'],
      message: `${heldOut}: no row has an answer that could be graded; found fields prompt, gold. columns: {answer: gold} reads gold as answer`,
    },
  ]);
});

test('the first row that the chat template of a stage’s model refuses is named, for each stage', async () => {
  const file = join(directory, 'roles.jsonl');
  await writeFile(file, '{"prompt": "a"}\n{"prompt": "a", "system": "b"}\n{"prompt": "a", "system": "c"}\n');
  const use = { need: 'prompt' as const, heldOut: false };
  const uses = [
    { ...use, path: ['one'], rendering: { directory: 'strict' } },
    { ...use, path: ['two'], rendering: { directory: 'lenient' } },
    { ...use, path: ['three'], rendering: { directory: 'strict' } },
  ];
  const problems = await lookAtDataset(
    { path: [], settings: { name: 'rows', file } },
    uses,
    ({ directory: model }, { messages }) => {
      if (model === 'strict' && messages[0]?.role === 'system') throw new UserError('no system messages');
    },
  );
  const message = `${file}:2: no system messages`;
  expect(problems).toEqual([
    { path: ['one'], message },
    { path: ['three'], message },
  ]);
});

test('only the first thousand rows are looked at', async () => {
  const file = join(directory, 'long.jsonl');
  await writeFile(file, `${'{"prompt": "a"}\n'.repeat(1000)}no JSON`);
  expect(await lookAtDataset({ path: [], settings: { name: 'rows', file } }, [])).toEqual([]);
});

test('a Parquet file is looked at by its rows, and advice knows the columns that are not read', async () => {
  const file = join(directory, 'verl.parquet');
  await writeFile(
    file,
    parquetOf([{ prompt: 'a' }, { prompt: 'b' }], { prompt: 'STRING', solution: 'STRING', images: 'MESSAGES' }),
  );
  const uses = [{ path: ['use'], need: 'answer' as const, heldOut: false }];
  const [problem] = await lookAtDataset({ path: [], settings: { name: 'rows', file } }, uses);
  expect(problem?.message).toBe(
    `${file}: no row has an answer that could be graded; found fields prompt, solution, images. ` +
      'columns: {answer: solution} reads solution as answer',
  );
});

test('a damaged Parquet file is one problem of the dataset', async () => {
  const file = join(directory, 'half.parquet');
  await writeFile(file, parquetOf([{ prompt: 'a' }], { prompt: 'STRING' }).subarray(0, 60));
  expect(await lookAtDataset({ path: ['datasets', 0], settings: { name: 'rows', file } }, [])).toEqual([
    {
      path: ['datasets', 0, 'file'],
      message: `${file}: cannot be read as Parquet: it does not end with PAR1: is it whole?`,
    },
  ]);
});
