import { expect, test } from '@jest/globals';
import { randomKey } from '../../../../trainer/algorithms/random.ts';
import { permuted } from '../../../../trainer/data/order/permutation.ts';

test.each([1, 2, 3, 17, 64, 1000])('every one of %i numbers comes exactly once', (size) => {
  const found = Array.from({ length: size }, (_, index) => permuted(randomKey(1), index, size));
  expect(found.toSorted((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, index) => index));
});

test('where a number goes is uniform over keys', () => {
  const counts = Array.from({ length: 10 }, () => 0);
  for (let seed = 0; seed < 5000; seed++) counts[permuted(randomKey(seed), 3, 10)]!++;
  // χ² with nine degrees of freedom exceeds 27.9 once in a thousand.
  expect(counts.reduce((sum, count) => sum + (count - 500) ** 2 / 500, 0)).toBeLessThan(27.9);
});
