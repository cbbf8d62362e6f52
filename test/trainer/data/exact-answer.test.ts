import { expect, test } from '@jest/globals';
import { readLine } from '../../../trainer/data/import-rows.ts';
import type { DatasetSettings } from '../../../trainer/contract/settings/dataset.ts';

const settings: DatasetSettings = { name: 'sums', file: 'sums.jsonl' };

function gold(answer: string, columns?: DatasetSettings['columns'], name = 'answer') {
  const text = `{"prompt": "2^53?", "${name}": ${answer}}`;
  const line = {
    place: 'sums.jsonl:1',
    number: 1,
    offset: 0,
    bytes: Buffer.from(text),
    value: JSON.parse(text) as unknown,
  };
  return readLine(line, { ...settings, ...(columns && { columns }) }, 'sums').answer?.gold;
}

test.each([
  '9007199254740992',
  '9007199254740993',
  '-9007199254740993',
  '12345678901234567.5',
  '1e400',
  '1e20',
  '0.12345678901234567891',
  '1e-400',
  '100000000000000000000',
])('the JSON number %s is refused as an answer, with the words that mend it', (source) => {
  expect(() => gold(source)).toThrow(
    `sums.jsonl:1: answer: found the number ${source}, which a double cannot hold exactly (it is read as ${Number(source)}); ` +
      `expected it as text: "${source}"`,
  );
  expect(() => gold(source, { answer: 'label' }, 'label')).toThrow('expected it as text');
  expect(() => gold(source, { answer: 'reward.label' }, 'x')).toThrow('columns.answer');
});

test.each([
  ['9007199254740991', '9007199254740991'],
  ['0.1', '0.1'],
  ['1.50', '1.5'],
  ['1e3', '1000'],
  ['-0.000001', '-0.000001'],
  ['"9007199254740993"', '9007199254740993'],
  ['"1e300"', '1e300'],
])('the answer %s is taken as it is', (source, read) => {
  expect(gold(source)).toBe(read);
});

test('other numbers of a row may be of any size', () => {
  expect(gold('18, "id": 9007199254740993, "score": 1e400')).toBe('18');
});
