import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { InterruptedError, UserError } from '../../../../trainer/contract/process/errors.ts';
import type { JsonLine } from '../../../../trainer/data/files/jsonl.ts';
import { openRowFile } from '../../../../trainer/data/files/row-file.ts';
import { parquetOf } from '../../../support/parquet-rows.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'r1-rows-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

const asRow = ({ number, value }: JsonLine) => ({
  id: String(number),
  dataset: 'a',
  domain: 'general' as const,
  messages: [{ role: 'user' as const, content: (value as { text: string }).text }],
});

let files = 0;

async function written(text: string): Promise<string> {
  const file = join(directory, `${++files}.jsonl`);
  await writeFile(file, text);
  return file;
}

test.each([
  { name: 'plain lines', text: '{"text":"a"}\n{"text":"b"}\n' },
  { name: 'no end of the last line', text: '{"text":"a"}\n{"text":"b"}' },
  { name: 'a byte order mark', text: '\ufeff{"text":"a"}\n{"text":"b"}\n' },
  { name: 'carriage returns', text: '{"text":"a"}\r\n{"text":"b"}\r\n' },
  { name: 'blank lines', text: '\n \n{"text":"a"}\n\n{"text":"b"}\n\n' },
  { name: 'lines longer than a chunk of the file', text: `{"text":"${'ü'.repeat(100_000)}"}\n{"text":"b"}\n` },
])('rows of a file with $name are read again in any order', async ({ text }) => {
  const seen: unknown[] = [];
  const rows = await openRowFile(await written(text), asRow, { onRow: (row, place) => (seen[place] = row) });
  expect(rows).toHaveLength(2);
  expect([rows.at(1), rows.at(0)]).toEqual([seen[1], seen[0]]);
  expect(rows.at(1)?.messages[0]?.content).toBe('b');
  expect([...rows]).toEqual(seen);
});

test('an empty file has no rows', async () => {
  const rows = await openRowFile(await written(''), asRow);
  expect([...rows]).toEqual([]);
});

test.each(['{"text":"a"}\n{"text":"c"}\n', '{"text":"a"}\n'])(
  'a line that was written over is refused by its place: %j',
  async (changed) => {
    const file = await written('{"text":"a"}\n{"text":"b"}\n');
    const rows = await openRowFile(file, asRow);
    await writeFile(file, changed);
    expect(rows.at(0)?.messages[0]?.content).toBe('a');
    expect(() => rows.at(1)).toThrow(UserError);
    expect(() => rows.at(1)).toThrow(`${file}:2: was changed since the stage read it`);
  },
);

test('a new file may take the name of one that is in use', async () => {
  const file = await written('{"text":"a"}\n{"text":"b"}\n');
  const rows = await openRowFile(file, asRow);
  await rename(await written('{"text":"new"}\n'), file);
  expect(rows.at(1)?.messages[0]?.content).toBe('b');
});

test('a scan ends when nobody wants it any more', async () => {
  const file = await written('{"text":"a"}\n'.repeat(1000));
  let calls = 0;
  const onActivity = () => {
    if (++calls === 3) throw new InterruptedError('asked to stop');
  };
  await expect(openRowFile(file, asRow, { onActivity })).rejects.toThrow(InterruptedError);
});

const openFiles = async (): Promise<number> => (await readdir('/proc/self/fd')).length;

const isLinux = process.platform === 'linux';
(isLinux ? test : test.skip).each([
  { name: 'a Parquet file whose rows are refused', rows: [{ text: 'a' }], refuse: true },
  { name: 'a Parquet file without rows', rows: [], refuse: false },
])('nothing stays open of $name', async ({ rows, refuse }) => {
  const file = join(directory, `${++files}.parquet`);
  await writeFile(file, parquetOf(rows, { text: 'STRING' }));
  const before = await openFiles();
  for (let time = 0; time < 20; time++) {
    const opened = openRowFile(file, (line) => {
      if (refuse) throw new UserError('refused');
      return asRow(line);
    });
    // oxlint-disable-next-line no-await-in-loop -- what one leaves open adds up
    await opened.catch((error: unknown) => expect(error).toEqual(new UserError('refused')));
  }
  expect(await openFiles()).toBeLessThan(before + 10);
});

const strict = (line: JsonLine) => {
  if (!(line.value as { text?: string }).text) throw new UserError(`${line.place}: found no text`);
  return asRow(line);
};

test.each([
  { name: 'one', text: '{"text":"a"}\n{}\n', says: ':2: found no text' },
  { name: 'two', text: '{}\n{"text":"a"}\n{}\n', says: ':1: found no text (1 other row is refused, too: 3)' },
  { name: 'many', text: '{}\n'.repeat(8), says: ':1: found no text (7 other rows are refused, too: 2, 3, 4, 5, 6 …)' },
  { name: 'all', text: '{}\n'.repeat(5000), says: ':1: found no text (999 or more other rows are refused, too: 2,' },
  { name: 'no JSON behind one', text: '{}\n{\n', says: ':1: found no text' },
])('of rows that cannot be used all are told: $name', async ({ text, says }) => {
  const file = await written(text);
  await expect(openRowFile(file, strict)).rejects.toThrow(`${file}${says}`);
});
