import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import type { DatasetSettings } from '../../../../../trainer/contract/settings/dataset.ts';
import { UserError } from '../../../../../trainer/contract/process/errors.ts';
import { loadDataset } from '../../../../../trainer/data/load-dataset.ts';
import { type ColumnType, parquetOf } from '../../../../support/parquet-rows.ts';
import { useTemporaryDirectory } from '../../../../support/temporary-directory.ts';

const directory = useTemporaryDirectory();
let files = 0;

/** What a stage sees of a file: its rows, or why there are none. */
async function seen(content: string | Uint8Array, settings: Partial<DatasetSettings>): Promise<unknown> {
  const file = join(directory(), `rows-${++files}`);
  await writeFile(file, content);
  try {
    const { train, heldOut } = await loadDataset({ name: 'rows', ...settings, file }, 1);
    return { train: [...train], heldOut: [...heldOut], last: train.at(train.length - 1) };
  } catch (error) {
    if (error instanceof UserError) return error.message.replaceAll(file, 'FILE');
    throw error;
  }
}

async function expectTheSame(
  rows: readonly object[],
  columns: Readonly<Record<string, ColumnType>>,
  settings: Partial<DatasetSettings> = {},
): Promise<void> {
  const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
  expect(await seen(parquetOf(rows, columns), settings)).toEqual(await seen(lines, settings));
}

const columns = {
  prompt: 'STRING',
  completion: 'STRING',
  answer: 'STRING',
  system: 'STRING',
  other: 'STRING',
} as const;
const text = fc.option(
  fc.oneof(fc.constantFrom('', '7', 'a\n"b"\\', '\u2028', '1/2'), fc.string({ unit: 'grapheme' })),
);
const message = fc.record({
  role: fc.constantFrom('system', 'user', 'assistant', 'tool', 'nobody'),
  content: fc.string({ unit: 'grapheme' }),
});

test('rows of text mean the same in both formats, or are refused in the same words', async () => {
  const row = fc.record({ prompt: text, completion: text, answer: text, system: text, other: fc.string() });
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 9 }), (rows) => expectTheSame(rows, columns)),
  );
});

test('conversations mean the same in both formats', async () => {
  const row = fc.record({ messages: fc.array(message, { maxLength: 4 }), answer: fc.integer() });
  await fc.assert(
    fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 9 }), (rows) =>
      expectTheSame(rows, { messages: 'MESSAGES', answer: 'INT64' }),
    ),
  );
});

test.each<{ name: string; row: object; of: Readonly<Record<string, ColumnType>>; settings?: Partial<DatasetSettings> }>(
  [
    {
      name: 'ShareGPT',
      row: {
        conversations: [
          { from: 'human', value: 'u' },
          { from: 'gpt', value: 'a' },
        ],
      },
      of: { conversations: 'MESSAGES' },
    },
    {
      name: 'a preference with an implicit prompt',
      row: {
        chosen: [
          { role: 'user', content: 'u' },
          { role: 'assistant', content: 'a' },
        ],
        rejected: [
          { role: 'user', content: 'u' },
          { role: 'assistant', content: 'b' },
        ],
      },
      of: { chosen: 'MESSAGES', rejected: 'MESSAGES' },
    },
    {
      name: 'Alpaca',
      row: { instruction: 'i', input: 'n', output: 'o' },
      of: { instruction: 'STRING', input: 'STRING', output: 'STRING' },
    },
    { name: 'a document', row: { text: 't' }, of: { text: 'STRING' } },
    {
      name: 'a completion labelled bad',
      row: { prompt: 'p', completion: 'c', label: false },
      of: { prompt: 'STRING', completion: 'STRING', label: 'BOOLEAN' },
    },
    {
      name: 'tools as text',
      row: { prompt: 'p', tools: '[{"type": "function"}]' },
      of: { prompt: 'STRING', tools: 'STRING' },
    },
    { name: 'a language', row: { prompt: 'p', language: 'xx' }, of: { prompt: 'STRING', language: 'STRING' } },
    { name: 'real numbers', row: { prompt: 'p', answer: 0.1 }, of: { prompt: 'STRING', answer: 'DOUBLE' } },
    {
      name: 'columns with other names',
      row: { question: 'q', gold: '1', messages: 'not read' },
      of: { question: 'STRING', gold: 'STRING', messages: 'STRING' },
      settings: { columns: { prompt: 'question', answer: 'gold' }, answer: { kind: 'number', in: 'completion' } },
    },
    { name: 'no prompt', row: { question: 'q', solution: '1' }, of: { question: 'STRING', solution: 'STRING' } },
    {
      name: 'a missing column',
      row: { question: 'q' },
      of: { question: 'STRING' },
      settings: { columns: { prompt: 'problem' } },
    },
  ],
)('$name: the same in both formats', ({ row, of, settings }) => expectTheSame([row, row, row, row], of, settings));

test('every example of the reference means the same in both formats', async () => {
  const examples = readFileSync('docs/reference/datasets.md', 'utf8').matchAll(/\| `(\{.*\})` \|$/gm);
  const rows = Array.from(examples, ([, json = '']) => JSON.parse(json) as Record<string, unknown>);
  expect(rows.length).toBeGreaterThan(10);
  for (const row of rows) {
    const flat = Object.fromEntries(Object.entries(row).filter(([, value]) => typeof value === 'string'));
    if (Object.keys(flat).length < Object.keys(row).length) continue; // nested ones are above
    await expectTheSame([flat], Object.fromEntries(Object.keys(flat).map((name) => [name, 'STRING'])));
  }
});

test('held-out rows are the same in both formats', async () => {
  const rows = Array.from({ length: 40 }, (_, index) => ({ prompt: `p${index}`, answer: String(index) }));
  await expectTheSame(rows, { prompt: 'STRING', answer: 'STRING' }, { heldOut: { fraction: 0.3 } });
});

test.each([
  { answer: 2n ** 53n - 1n, found: { gold: '9007199254740991' } },
  { answer: -7n, found: { gold: '-7' } },
])('an integer of 64 bits is a number as long as a double holds it: $answer', async ({ answer, found }) => {
  const file = parquetOf([{ prompt: 'p', answer }], { prompt: 'STRING', answer: 'INT64' });
  expect(await seen(file, {})).toMatchObject({ train: [{ answer: found }] });
});

test('an answer that no double holds is refused by its row', async () => {
  const rows = [1n, 2n, 2n ** 53n + 1n].map((answer) => ({ prompt: 'p', answer }));
  expect(await seen(parquetOf(rows, { prompt: 'STRING', answer: 'INT64' }), {})).toBe(
    'FILE:3: answer: found the number 9007199254740993, which a double cannot hold exactly (it is read as 9007199254740992); ' +
      'expected it as text: "9007199254740993"',
  );
});
