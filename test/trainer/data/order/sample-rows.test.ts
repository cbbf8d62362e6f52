import { expect, test } from '@jest/globals';
import type { Row } from '../../../../trainer/contract/settings/dataset.ts';
import { sampleRows } from '../../../../trainer/data/order/sample-rows.ts';

const rows = Array.from({ length: 1000 }, (_, at): Row => ({
  id: `rows/${at}`,
  dataset: 'rows',
  domain: 'reasoning',
  messages: [{ role: 'user', content: `${at}` }],
}));
const places = (limit: number, seed = 3, dataset = 'rows') =>
  sampleRows(rows, limit, seed, dataset).map(({ id }) => Number(id.slice('rows/'.length)));

test('all rows where there are no more than asked for', () => {
  expect(places(1000)).toEqual(rows.map((_, at) => at));
});

test('rows from all over, each once, in their order, and the same ones again', () => {
  const drawn = places(100);
  expect(new Set(drawn).size).toBe(100);
  expect(drawn).toEqual(drawn.toSorted((a, b) => a - b));
  // Of 100 rows of 1000 about 25 lie in each quarter.
  for (const quarter of [0, 1, 2, 3]) {
    expect(drawn.filter((place) => Math.floor(place / 250) === quarter).length).toBeGreaterThan(10);
  }
  expect(places(100)).toEqual(drawn);
});

test('another seed or dataset draws others', () => {
  expect(places(100, 4)).not.toEqual(places(100));
  expect(places(100, 3, 'others')).not.toEqual(places(100));
});
