import { expect, test } from '@jest/globals';
import { budgetFor, cutMicroBatches, keptBytes, keptBytesPerToken } from '../../../trainer/engine/micro-batches.ts';
import { smolLm2Config, tinyConfig } from '../../support/random-model.ts';

const equal = (count: number, length: number) => Array.from({ length: count }, () => length);

function cut(lengths: readonly number[], tokens = 2048, scores = 1e9) {
  return cutMicroBatches(
    lengths.map((length) => ({ length })),
    { tokens, scores },
  );
}

test('every sequence is in exactly one micro-batch, which counts its tokens', () => {
  const lengths = Array.from({ length: 77 }, (_, i) => 1 + ((i * 53) % 300));
  const microBatches = cut(lengths);
  expect(microBatches.flatMap(({ members }) => members).toSorted((a, b) => a - b)).toEqual([...lengths.keys()]);
  for (const { tokens, members } of microBatches) {
    expect(tokens).toBe(members.reduce((sum, member) => sum + lengths[member]!, 0));
    expect(tokens).toBeLessThanOrEqual(2048);
  }
});

test('a batch below the budget is still cut into four, to keep cores busy', () => {
  expect(cut(equal(8, 1024), 8192).map(({ members }) => members)).toEqual([
    [0, 1],
    [2, 3],
    [4, 5],
    [6, 7],
  ]);
});

test('micro-batches are not cut below 1024 tokens', () => {
  expect(cut(equal(8, 256)).map(({ tokens }) => tokens)).toEqual([1024, 1024]);
  expect(cut(equal(8, 20))).toEqual([{ tokens: 160, members: [0, 1, 2, 3, 4, 5, 6, 7] }]);
});

test('they have about as many tokens each, and are an even number', () => {
  expect(cut(equal(96, 32)).map(({ tokens }) => tokens)).toEqual(equal(4, 768));
});

test('a sequence longer than the budget runs alone', () => {
  expect(cut([3000, 3000], 2048).map(({ tokens }) => tokens)).toEqual([3000, 3000]);
});

test('a micro-batch has no more attention scores than it may', () => {
  expect(cut(equal(8, 128), 2048, 4 * 128 ** 2).map(({ members }) => members.length)).toEqual([4, 4]);
});

test('long and short sequences do not share a grid, unless the long ones are short, too', () => {
  expect(cut([450, 40, 430, 40]).map(({ members }) => members)).toEqual([
    [0, 2],
    [1, 3],
  ]);
  expect(cut([200, 40, 190, 40]).map(({ members }) => members)).toEqual([[0, 2, 1, 3]]);
});

test('sequences of equal length keep their order', () => {
  const members = cut([16, 40, 16, 40, 16]).flatMap((microBatch) => microBatch.members);
  expect(members).toEqual([1, 3, 0, 2, 4]);
});

test('sequences of one family stay side by side, and what they share counts once in a micro-batch', () => {
  const sizes = [100, 500, 40, 300, 90, 450].map((length, at) => ({ length, shared: at % 2 === 0 ? 30 : 250 }));
  const families = ['a', 'b', 'a', 'b', 'a', 'b'];
  expect(cutMicroBatches(sizes, { tokens: 1024, scores: 1e9 }, families)).toEqual([
    { tokens: 500 + 200 + 50, members: [1, 5, 3] },
    { tokens: 100 + 60 + 10, members: [0, 4, 2] },
  ]);
});

test('pairs count as two sequences', () => {
  const pairs = equal(4, 100).map((length) => ({ length, rows: 2, tokens: 160 }));
  expect(cutMicroBatches(pairs, { tokens: 2048, scores: 4 * 112 ** 2 })).toEqual([
    { tokens: 320, members: [0, 1] },
    { tokens: 320, members: [2, 3] },
  ]);
});

test('what the layers keep is bounded, as far as micro-batches do not become small', () => {
  const { tokens } = budgetFor({ ...smolLm2Config, layers: 20 });
  expect(tokens).toBeLessThan(2048);
  expect(tokens * 20 * keptBytesPerToken(smolLm2Config)).toBeLessThanOrEqual(keptBytes);
  expect(budgetFor(tinyConfig()).tokens).toBe(2048);
  expect(budgetFor({ ...smolLm2Config, layers: 100 }).tokens).toBe(1024);
});

test('no sequences, no micro-batches', () => {
  expect(cut([])).toEqual([]);
});
