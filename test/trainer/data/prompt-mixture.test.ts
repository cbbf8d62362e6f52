import { expect, test } from '@jest/globals';
import type { Row } from '../../../trainer/contract/settings/dataset.ts';
import { promptsOf } from '../../../trainer/data/order/prompt-order.ts';

const row = (dataset: string, id: number) => ({ id: `${dataset}-${id}`, dataset, messages: [] }) as unknown as Row;
const ofDataset = (dataset: string, count: number) => Array.from({ length: count }, (_, id) => row(dataset, id));
/** A large and two small datasets. */
const rows = [...ofDataset('chat', 700), ...ofDataset('maths', 60), ...ofDataset('code', 30)];

const ids = (drawn: readonly Row[]) => drawn.map(({ id }) => id);

function countsOf(drawn: readonly Row[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { dataset } of drawn) counts[dataset] = (counts[dataset] ?? 0) + 1;
  return counts;
}

test.each([
  { weights: [], counts: { chat: 334, maths: 333, code: 333 } },
  { weights: [{ dataset: 'maths', weight: 8 }], counts: { chat: 100, maths: 800, code: 100 } },
  { weights: [{ dataset: 'chat', weight: 0 }], counts: { maths: 500, code: 500 } },
  {
    weights: [
      { dataset: 'chat', weight: 0.001 },
      { dataset: 'maths', weight: 1.999 },
    ],
    counts: { chat: 0, maths: 667, code: 333 },
  },
])('of 1000 prompts each dataset has its share: $weights', ({ weights, counts }) => {
  const prompts = promptsOf(rows, 7, weights);
  for (const start of [0, 4000]) {
    expect(countsOf(prompts(start, 1000))).toEqual(Object.fromEntries(Object.entries(counts).filter(([, n]) => n > 0)));
  }
});

test('a dataset of a mixture has each of its rows once before one comes again', () => {
  const prompts = promptsOf(rows, 7, [{ dataset: 'chat', weight: 0.5 }]);
  const drawn = prompts(0, 3000).filter(({ dataset }) => dataset === 'maths');
  // The order within a block is not that of the ordinals, so whole blocks are looked at.
  const times = new Map<string, number>();
  for (const { id } of drawn) times.set(id, (times.get(id) ?? 0) + 1);
  expect(times.size).toBe(60);
  expect(Math.max(...times.values()) - Math.min(...times.values())).toBeLessThanOrEqual(1);
});

test('a mixture is a function of its place, and another order and another seed are other ones', () => {
  const weights = [{ dataset: 'maths', weight: 3 }];
  const prompts = promptsOf(rows, 7, weights);
  expect(ids(prompts(990, 20))).toEqual([...ids(prompts(990, 10)), ...ids(prompts(1000, 10))]);
  expect(ids(prompts(0, 20, 'redrawn-prompts'))).not.toEqual(ids(prompts(0, 20)));
  expect(ids(promptsOf(rows, 8, weights)(0, 20))).not.toEqual(ids(prompts(0, 20)));
});

test('a dataset that is to come and has no row is an error', () => {
  expect(() => promptsOf(rows, 7, [{ dataset: 'logic', weight: 1 }])).toThrow(
    'promptWeights: dataset logic has no row that can be used',
  );
  expect(() => promptsOf(ofDataset('chat', 3), 7, [{ dataset: 'chat', weight: 0 }])).toThrow(
    'promptWeights: found 0 for every dataset, expected one above it',
  );
});
