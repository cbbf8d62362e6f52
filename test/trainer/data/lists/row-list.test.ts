import { expect, test } from '@jest/globals';
import type { Row } from '../../../../trainer/contract/settings/dataset.ts';
import { NumberList } from '../../../../trainer/data/lists/number-list.ts';
import { packRows } from '../../../../trainer/data/lists/packed-rows.ts';
import { firstRows, joinRows, pickRows, type RowList } from '../../../../trainer/data/lists/row-list.ts';

const row = (id: string): Row => ({
  id,
  dataset: 'a',
  domain: 'general',
  messages: [{ role: 'user', content: `Füge ${id} an\u2028` }],
});
const rows = (ids: string) => ids.split('').map(row);
const idsOf = (list: RowList) => Array.from(list, ({ id }) => id).join('');

test.each([
  { name: 'some places, in their order', list: pickRows(rows('abcd'), [3, 1]), ids: 'db' },
  { name: 'the first rows', list: firstRows(rows('abcd'), 2), ids: 'ab' },
  { name: 'the first rows of fewer', list: firstRows(rows('ab'), 5), ids: 'ab' },
  { name: 'lists after each other, also empty ones', list: joinRows([rows('ab'), [], rows('c')]), ids: 'abc' },
  { name: 'no list', list: joinRows([]), ids: '' },
  { name: 'packed rows', list: packRows(rows('abc')), ids: 'abc' },
])('$name', ({ list, ids }) => {
  expect(list).toHaveLength(ids.length);
  expect(idsOf(list)).toBe(ids);
  expect(Array.from(ids, (_, place) => list.at(place)?.id).join('')).toBe(ids);
  expect(list.at(ids.length)).toBeUndefined();
});

test('packed rows are equal to those that were packed, also one that is larger than a block', () => {
  const long = { ...row('long'), completion: 'ä'.repeat(5 * 2 ** 20) };
  const made = [row('a'), long, row('b')];
  expect([...packRows(made)]).toEqual(made);
});

test('a list of numbers grows', () => {
  const list = new NumberList();
  for (let number = 0; number < 5000; number++) list.push(number * 2 ** 40);
  expect(list).toHaveLength(5000);
  expect([list.at(0), list.at(4999), list.at(5000)]).toEqual([0, 4999 * 2 ** 40, undefined]);
});

test('more rows than a call takes arguments are loaded, joined and picked', () => {
  const many = packRows(
    (function* () {
      for (let at = 0; at < 130_000; at++) yield row(String(at));
    })(),
  );
  const joined = joinRows([many, rows('a')]);
  expect(joined).toHaveLength(130_001);
  expect(joined.at(129_999)?.id).toBe('129999');
  expect(joined.at(130_000)?.id).toBe('a');
});
