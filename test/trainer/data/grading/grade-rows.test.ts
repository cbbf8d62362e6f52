import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { gradeRows } from '../../../../trainer/data/grading/grade-rows.ts';
import { parquetOf } from '../../../support/parquet-rows.ts';
import { useSharedDirectory } from '../../../support/shared-directory.ts';

const directory = useSharedDirectory();

test.each([
  { row: '{"answer": "18"}', says: 'completion: found nothing, expected text' },
  { row: '{"completion": "18"}', says: 'answer: found nothing, expected text, a number or an object' },
  { row: '{"completion": "18", "answer": null}', says: 'answer: found null, expected text, a number or an object' },
  {
    row: '{"completion": "18", "answer": 1, "kind": "nmber"}',
    says: 'kind: found "nmber", expected one of number,',
  },
  {
    row: '{"completion": "18", "answer": 1, "in": "tag"}',
    says: 'in: found "tag", expected one of answerTag, completion',
  },
  { row: '{"completion": "18", "answer": 1, "language": "xx"}', says: 'language: found "xx", expected one of ' },
  {
    row: '{"completion": "18", "answer": 1, "expect": "right"}',
    says: 'expect: found "right", expected one of correct',
  },
  {
    row: '{"completion": "18", "answer": 9007199254740993}',
    says: 'answer: found the number 9007199254740993, which a double cannot hold exactly',
  },
  { row: '[18]', says: 'expected a JSON object with completion and answer' },
  { row: '{"completion"', says: 'no valid JSON' },
])('refuses $row in words', async ({ row, says }) => {
  const file = join(directory(), 'rows.jsonl');
  await writeFile(file, `{"completion": "1", "answer": "1"}\n${row}\n`);
  const grades = gradeRows(file, {});
  await expect(grades.next()).resolves.toMatchObject({ value: { line: 1, outcome: 'wrong' } });
  await expect(grades.next()).rejects.toThrow(`${file}:2: ${says}`.slice(0, 300));
});

test('rows of a Parquet file are graded as those of a JSONL file', async () => {
  const rows = [
    { completion: 'It is 7.', answer: '7', in: 'completion', other: 'x' },
    { completion: '<answer>8</answer>', answer: '7', expect: 'wrong' },
  ];
  const [jsonl, parquet] = [join(directory(), 'same.jsonl'), join(directory(), 'same.parquet')];
  await writeFile(jsonl, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const text = 'STRING';
  await writeFile(
    parquet,
    parquetOf(rows, { completion: text, answer: text, in: text, expect: text, other: text, kind: text }),
  );
  const [expected, found] = await Promise.all([jsonl, parquet].map((file) => Array.fromAsync(gradeRows(file, {}))));
  expect(expected?.map(({ outcome }) => outcome)).toEqual(['correct', 'wrong']);
  expect(found).toEqual(expected);
});
