import { expect, test } from '@jest/globals';
import { ranks, spearman } from '../../../trainer/algorithms/rank-correlation.ts';

test('equal values share the mean of their ranks', () => {
  expect(ranks([10, 30, 20, 30])).toEqual([1, 3.5, 2, 3.5]);
});

test.each([
  { name: 'the same order', a: [1, 2, 5], b: [-3, 0, 100], rho: 1 },
  { name: 'the reverse', a: [1, 2, 5], b: [3, 2, 1], rho: -1 },
  // https://en.wikipedia.org/wiki/Spearman%27s_rank_correlation_coefficient#Example: 1 − 6 · 194 ÷ (10 · 99)
  {
    name: "the textbook's hours of television",
    a: [106, 100, 86, 101, 99, 103, 97, 113, 112, 110],
    b: [7, 27, 2, 50, 28, 29, 20, 12, 6, 17],
    rho: -29 / 165,
  },
])('$name has ρ = $rho', ({ a, b, rho }) => {
  expect(spearman(a, b)).toBeCloseTo(rho, 12);
});

test('where all values are the same there is none', () => {
  expect(spearman([1, 1, 1], [1, 2, 3])).toBeUndefined();
});
