import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { generatorSettings, type DatasetSettings } from '../../../trainer/contract/settings/dataset.ts';
import { UserError } from '../../../trainer/contract/process/errors.ts';
import { loadDataset } from '../../../trainer/data/load-dataset.ts';
import { readRows, writeRows } from '../../../trainer/data/rows.ts';
import { parquetOf } from '../../support/parquet-rows.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'r1-data-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

let files = 0;

async function load(content: string | Buffer, settings: Partial<DatasetSettings> = {}) {
  const file = join(directory, `${++files}.jsonl`);
  await writeFile(file, content);
  const { train, heldOut } = await loadDataset({ name: 'sums', file, ...settings }, 7);
  return { train: [...train], heldOut: [...heldOut] };
}

const lines = (...rows: unknown[]) => rows.map((row) => JSON.stringify(row)).join('\n');

test('a prompt becomes a user message, behind the dataset’s system message', async () => {
  const { train, heldOut } = await load(
    '\ufeff{"prompt": "2+3?", "answer": 5, "language": "en", "source": "me"}\r\n\r\n',
    {
      system: 'Be brief.',
      answer: { kind: 'number', in: 'completion' },
    },
  );
  expect(train).toEqual([
    {
      id: 'sums/1',
      dataset: 'sums',
      domain: 'reasoning',
      language: 'en',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: '2+3?' },
      ],
      answer: { kind: 'number', in: 'completion', gold: '5' },
    },
  ]);
  expect(heldOut).toEqual([]);
});

test('a conversation that ends with the assistant’s turn is a prompt with its completion', async () => {
  const messages = [
    { role: 'system', content: 'Own.' },
    { role: 'user', content: 'Hi' },
  ];
  const { train } = await load(
    lines({ messages: [...messages, { role: 'assistant', content: 'Hello!' }], answer: null }),
    {
      domain: 'general',
      system: 'Be brief.',
    },
  );
  expect(train).toEqual([{ id: 'sums/1', dataset: 'sums', domain: 'general', messages, completion: 'Hello!' }]);
});

test('the system message goes before generated prompts too', async () => {
  const generator = generatorSettings.parse({ task: 'addition', rows: 2, heldOut: 1 });
  const { train, heldOut } = await loadDataset({ name: 'sums', generator, system: 'Be brief.' }, 7);
  const roles = [...train, ...heldOut].map(({ messages }) => messages.map(({ role }) => role));
  expect(roles).toEqual(Array.from({ length: 3 }, () => ['system', 'user']));
});

test('ids are line numbers', async () => {
  const { train } = await load('{"prompt":"a"}\n\n{"prompt":"b"}');
  expect(train.map(({ id }) => id)).toEqual(['sums/1', 'sums/3']);
});

const good = '{"prompt":"2+3?","answer":"5"}';

test.each([
  { name: 'broken JSON', content: `${good}\n{"prompt": "x"`, says: ':2: no valid JSON' },
  { name: 'no object', content: `${good}\n[1]`, says: ':2: found a JSON array; expected one JSON object a line' },
  { name: 'no prompt', content: '{"answer":"5"}', says: ':1: found field answer; expected prompt or messages' },
  {
    name: 'prompt and messages',
    content: '{"prompt":"a","messages":[{"role":"user","content":"a"}]}',
    says: ':1: found both',
  },
  { name: 'wrong type', content: `${good}\n\n{"prompt":5}`, says: ':3: prompt: found 5, expected text' },
  { name: 'empty prompt', content: '{"prompt":""}', says: ':1: prompt: is empty' },
  { name: 'unknown role', content: '{"messages":[{"role":"bot","content":"a"}]}', says: ':1: messages.0.role: ' },
  { name: 'no content', content: '{"messages":[{"role":"user"}]}', says: ':1: messages.0.content: ' },
  { name: 'no user', content: '{"messages":[{"role":"assistant","content":"a"}]}', says: ':1: messages end with' },
  {
    name: 'object as answer',
    content: '{"prompt":"a","answer":{"a":1}}',
    says: ':1: answer: found an object, expected text or a number',
  },
  {
    name: 'gold that is no number',
    content: `${good}\n{"prompt":"a","answer":"many"}`,
    says: ':2: answer "many" cannot be parsed',
  },
  {
    name: 'unknown language',
    content: '{"prompt":"a","language":"klingon"}',
    says: ':1: language: found "klingon", expected one of am, ar, ',
  },
  { name: 'chosen alone', content: '{"prompt":"a","chosen":"b"}', says: ':1: found only one of chosen and rejected' },
  {
    name: 'no UTF-8',
    content: Buffer.from([0x7b, 0xff, 0x7d]),
    says: ':1: found bytes that are no UTF-8; expected JSONL in UTF-8 (iconv -f ENCODING -t UTF-8 FILE)',
  },
  {
    name: 'UTF-16',
    content: Buffer.from(`\uFEFF${good}\n`, 'utf16le'),
    says: ': found UTF-16; expected JSONL in UTF-8 (iconv -f UTF-16 -t UTF-8 FILE)',
  },
  {
    name: 'UTF-16, big end first',
    content: Buffer.from(`\uFEFF${good}\n`, 'utf16le').swap16(),
    says: ': found UTF-16; expected JSONL in UTF-8',
  },
  {
    name: 'rows as Python prints them',
    content: "{'prompt': '2+3?', 'answer': '5'}\n",
    says: /:1: no valid JSON: .*; found single quotes, as Python prints objects; expected JSON \(Python: json\.dumps\(row\)\)$/,
  },
  {
    name: 'a file that was cut',
    content: `${good}\n${good.slice(0, 12)}`,
    says: /:2: no valid JSON: .*; the line ends within its row: is the file whole\?$/,
  },
  {
    name: 'NaN, as Python writes it',
    content: '{"prompt": "2+3?", "answer": NaN}\n',
    says: /:1: no valid JSON: .*; found NaN or Infinity, which Python writes and JSON has not; expected null$/,
  },
  { name: 'nothing', content: '\n \n', says: 'found no rows' },
  {
    name: 'a JSON array',
    content: '[\n  {"prompt": "a"}\n]',
    says: ":1: no valid JSON: Unexpected end of JSON input; found the start of a JSON array, expected one JSON object a line (jq -c '.[]' FILE makes it)",
  },
  {
    name: 'an object over several lines',
    content: '{\n  "prompt": "a"\n}',
    says: 'found an object over several lines',
  },
  {
    name: 'half of a Parquet file',
    content: Buffer.from('PAR1\u0015\0 and so on'),
    says: ': cannot be read as Parquet: it does not end with PAR1: is it whole?',
  },
  { name: 'a gzip archive', content: Buffer.from([0x1f, 0x8b, 8, 0]), says: ': found a gzip archive; expected JSONL' },
  {
    name: 'a CSV file',
    content: 'prompt,answer\n1,2\n',
    says: /:1: no valid JSON: .*; found what may be CSV, expected one JSON object a line \(Python: pandas\.read_csv/,
  },
  { name: 'deep nesting', content: '['.repeat(1_000_000), says: ':1: ' },
])('refuses $name, naming the place', async ({ content, says }) => {
  await expect(load(content)).rejects.toThrow(UserError);
  await expect(load(content)).rejects.toThrow(says);
});

test('an answer is missed where the dataset says how answers are verified', async () => {
  const answer = { kind: 'number', in: 'completion' } as const;
  await expect(load(`${good}\n{"prompt":"a"}`, { answer })).rejects.toThrow(':2: found no answer');
});

test('an endless line is refused before it fills the memory', async () => {
  await expect(load(Buffer.alloc(17 * 2 ** 20, 'a'))).rejects.toThrow(/:1: the line is longer than 16777216 bytes/);
});

test('a missing file and a directory are named', async () => {
  await expect(loadDataset({ name: 'sums', file: join(directory, 'none.jsonl') }, 7)).rejects.toThrow('no such file');
  await expect(loadDataset({ name: 'sums', file: directory }, 7)).rejects.toThrow('found a directory');
});

test('a fraction is held out by the prompt: equal prompts stay on one side, whatever the seed', async () => {
  const prompts = Array.from({ length: 400 }, (_, index) => ({ prompt: `question ${index % 200}` }));
  const { train, heldOut } = await load(lines(...prompts), { heldOut: { fraction: 0.25 } });
  expect(train.length + heldOut.length).toBe(400);
  expect(heldOut.length / 400).toBeGreaterThan(0.15);
  expect(heldOut.length / 400).toBeLessThan(0.35);
  const trained = new Set(train.map(({ messages }) => messages[0]?.content));
  expect(heldOut.filter(({ messages }) => trained.has(messages[0]?.content as string))).toEqual([]);
});

test('held-out rows may come from their own file; their ids tell', async () => {
  const file = join(directory, 'held-out.jsonl');
  await writeFile(file, good);
  const { train, heldOut } = await load(good, { heldOut: { file } });
  expect([...train, ...heldOut].map(({ id }) => id)).toEqual(['sums/1', 'sums/heldOut/1']);
});

test('a fraction that keeps nothing back is refused: evaluation would fall on training rows', async () => {
  await expect(load(good, { heldOut: { fraction: 0.01 } })).rejects.toThrow(
    'leaves 1 for training and 0 for evaluation',
  );
  await expect(load(good, { heldOut: { fraction: 1 } })).rejects.toThrow('leaves 0 for training and 1 for evaluation');
});

test('rows survive being written and read', async () => {
  const { train } = await load(
    lines({ prompt: 'Füge\u2028an', answer: '5', completion: '<think>\n</think>' }, { prompt: 'b' }),
  );
  const file = join(directory, 'rows.jsonl');
  await writeRows(file, train);
  expect([...(await readRows(file))]).toEqual(train);
});

test('a written row that was damaged is refused by its line', async () => {
  const file = join(directory, 'damaged.jsonl');
  await writeFile(file, '{"id":"a/1","dataset":"a","domain":"maths","messages":[{"role":"user","content":"x"}]}');
  await expect(readRows(file)).rejects.toThrow(`${file}:1: domain: `);
});

test.each(['jsonl', 'parquet'])(
  'functions of one’s own get every column of a %s file but prompt and completion',
  async (kind) => {
    const row = { prompt: 'a', answer: 5, level: 2.5, topic: null, tags: 'sums' };
    const file = join(directory, `${++files}.${kind}`);
    const columns = { prompt: 'STRING', answer: 'INT64', level: 'DOUBLE', topic: 'STRING', tags: 'BYTES' } as const;
    await writeFile(file, kind === 'jsonl' ? lines(row) : parquetOf([row], columns));
    const { train } = await loadDataset({ name: 'sums', file }, 7, { further: true });
    expect(train.at(0)?.columns).toEqual({ answer: 5, level: 2.5, ...(kind === 'jsonl' && { tags: 'sums' }) });
    expect((await loadDataset({ name: 'sums', file }, 7)).train.at(0)).not.toHaveProperty('columns');
  },
);
