import { expect, test } from '@jest/globals';
import { array, assert, double, integer, property } from 'fast-check';
import { matchLengths } from '../../../trainer/algorithms/match-lengths.ts';

test.each([
  { name: 'nothing', lengths: [], ratio: 2, pairs: [] },
  { name: 'a lone one', lengths: [5], ratio: 2, pairs: [] },
  { name: 'equal ones, in their order', lengths: [3, 3, 3, 3], ratio: 1, pairs: [[0, 1], [2, 3]] }, // prettier-ignore
  {
    name: 'neighbours in length, wherever they stand',
    lengths: [10, 40, 11, 42],
    ratio: 1.25,
    pairs: [
      [0, 2],
      [1, 3],
    ],
  },
  { name: 'the limit itself', lengths: [5, 4], ratio: 1.25, pairs: [[0, 1]] },
  { name: 'none beyond it', lengths: [4, 6], ratio: 1.25, pairs: [] },
  { name: 'the shorter two of three', lengths: [12, 10, 11], ratio: 1.25, pairs: [[1, 2]] },
])('matches $name', ({ lengths, ratio, pairs }) => {
  expect(matchLengths(lengths, ratio)).toEqual(pairs);
});

/** By trying them all. */
function mostPairs(lengths: readonly number[], ratio: number): number {
  const [first, ...others] = lengths;
  if (first === undefined) return 0;
  const withFirst = others.map((other, at) =>
    Math.max(first, other) <= ratio * Math.min(first, other) ? 1 + mostPairs(others.toSpliced(at, 1), ratio) : 0,
  );
  return Math.max(mostPairs(others, ratio), ...withFirst);
}

test('makes as many pairs as there can be, none of them out of bounds, each place once', () => {
  const lengths = array(integer({ min: 1, max: 20 }), { maxLength: 7 });
  assert(
    property(lengths, double({ min: 1, max: 3, noNaN: true }), (all, ratio) => {
      const pairs = matchLengths(all, ratio);
      expect(new Set(pairs.flat()).size).toBe(2 * pairs.length);
      for (const [a, b] of pairs) {
        const [one, other] = [all[a] as number, all[b] as number];
        expect(a).toBeLessThan(b);
        expect(Math.max(one, other)).toBeLessThanOrEqual(ratio * Math.min(one, other));
      }
      expect(pairs).toHaveLength(mostPairs(all, ratio));
    }),
  );
});
