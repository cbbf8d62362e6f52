import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { readParquet } from '../../../../../trainer/data/files/parquet/read-parquet.ts';

const fixtures = 'test/fixtures/parquet';
const lines = readFileSync(`${fixtures}/rows.jsonl`, 'utf8').trim().split('\n');

test.each([
  { file: 'snappy-v1', holds: 'nested columns, dictionaries and several row groups' },
  { file: 'zstd-v2', holds: 'data pages of the second version' },
  { file: 'gzip-plain-v2', holds: 'plain values' },
  { file: 'brotli', holds: 'one row group' },
  { file: 'empty-groups', holds: 'row groups without rows before and behind' },
  { file: 'none-delta', holds: 'differences and lengths' },
])('$file.parquet of pyarrow, $holds, has the rows of the JSONL file', ({ file }) => {
  const rows = [...readParquet(`${fixtures}/${file}.parquet`, () => true)];
  expect(rows.map((row) => JSON.parse(row) as unknown)).toEqual(lines.map((line) => JSON.parse(line, withoutNulls)));
});

test('a table without rows has none', () => {
  expect([...readParquet(`${fixtures}/no-rows.parquet`, () => true)]).toEqual([]);
});

test('columns that are not wanted are not read: a row has their names', () => {
  const [row = ''] = readParquet(`${fixtures}/snappy-v1.parquet`, (column) => column === 'answer');
  expect(JSON.parse(row)).toMatchObject({
    prompt: true,
    answer: -3,
    messages: [],
    reward_model: { ground_truth: true, style: { name: true } },
  });
});

/** A Parquet file cannot leave out a field of an object, so that null stands for it. */
function withoutNulls(key: string, value: unknown): unknown {
  if (key === '' || Array.isArray(value) || typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== null));
}
