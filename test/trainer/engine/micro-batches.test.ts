import { expect, test } from '@jest/globals';
import { type Budget, budgetFor, cutMicroBatches } from '../../../trainer/engine/micro-batches.ts';

const equal = (count: number, length: number) => Array.from({ length: count }, () => length);

/** Cuts sequences of which every token is predicted. */
function cut(lengths: readonly number[], tokens: number, families?: readonly unknown[]) {
  const sizes = lengths.map((length) => ({ length, predicted: length }));
  return cutMicroBatches(sizes, { tokens, predicted: tokens }, families);
}

test('every sequence is in exactly one micro-batch that is long enough for it', () => {
  const lengths = Array.from({ length: 77 }, (_, i) => 1 + ((i * 53) % 300));
  const microBatches = cut(lengths, 2048);
  expect(microBatches.flatMap(({ members }) => members).toSorted((a, b) => a - b)).toEqual([...lengths.keys()]);
  for (const { rows, length, members } of microBatches) {
    expect(members.length).toBeLessThanOrEqual(rows);
    expect(rows * length).toBeLessThanOrEqual(2048);
    for (const member of members) expect(lengths[member]).toBeLessThanOrEqual(length);
  }
});

test('a batch below the budget is still cut into four, to keep cores busy', () => {
  expect(cut(equal(8, 512), 4096)).toEqual(
    [0, 2, 4, 6].map((first) => ({ rows: 2, length: 512, members: [first, first + 1] })),
  );
});

test('micro-batches are not cut below 1024 tokens', () => {
  expect(cut(equal(8, 256), 2048).map(({ rows }) => rows)).toEqual([4, 4]);
  expect(cut(equal(8, 20), 2048)).toEqual([{ rows: 8, length: 32, members: [0, 1, 2, 3, 4, 5, 6, 7] }]);
});

test('a sequence longer than the budget runs alone', () => {
  expect(cut([300, 300], 200).map(({ rows, length }) => [rows, length])).toEqual([
    [1, 320],
    [1, 320],
  ]);
});

test('sequences of equal length keep their order', () => {
  const members = cut([16, 40, 16, 40, 16], 2048).flatMap((microBatch) => microBatch.members);
  expect(members).toEqual([1, 3, 0, 2, 4]);
});

test('sequences of one family stay side by side, and the length is that of the longest in a micro-batch', () => {
  const lengths = [100, 500, 40, 300, 90, 450];
  const families = ['a', 'b', 'a', 'b', 'a', 'b'];
  expect(cut(lengths, 1024, families)).toEqual([
    { rows: 2, length: 512, members: [1, 5] },
    { rows: 2, length: 320, members: [3, 0] },
    { rows: 2, length: 96, members: [4, 2] },
  ]);
});

test('the last micro-batch has no more rows than the next power of two', () => {
  const microBatches = cut(equal(70, 64), 1024);
  expect(microBatches.map(({ rows, members }) => [rows, members.length])).toEqual([
    [16, 16],
    [16, 16],
    [16, 16],
    [16, 16],
    [8, 6],
  ]);
});

test.each([
  { vocabulary: 512, prompt: 256, completion: 256, rows: 4 },
  { vocabulary: 49_152, prompt: 256, completion: 256, rows: 2 },
  { vocabulary: 49_152, prompt: 448, completion: 64, rows: 4 },
  { vocabulary: 151_936, prompt: 448, completion: 64, rows: 2 },
  { vocabulary: 151_936, prompt: 256, completion: 256, rows: 1 },
])(
  'of $vocabulary tokens $rows siblings of $prompt + $completion share their prompt: only predicted tokens have logits',
  ({ vocabulary, prompt, completion, rows }) => {
    const sizes = equal(16, prompt + completion - 1).map((length) => ({ length, predicted: completion }));
    const budget: Budget = budgetFor(vocabulary);
    const cuts = cutMicroBatches(
      sizes,
      budget,
      [...sizes.keys()].map((at) => at >> 3),
    );
    expect(new Set(cuts.map((microBatch) => microBatch.rows))).toEqual(new Set([rows]));
    if (rows > 1) expect(rows * completion * vocabulary * 4).toBeLessThanOrEqual(128 * 1024 * 1024);
  },
);

test('a scalar head has no logits: the vocabulary does not cut its batches', () => {
  const sizes = equal(64, 256).map((length) => ({ length, predicted: 0 }));
  expect(cutMicroBatches(sizes, budgetFor(151_936))[0]?.rows).toBe(8);
});

test('no sequences, no micro-batches', () => {
  expect(cut([], 2048)).toEqual([]);
});
