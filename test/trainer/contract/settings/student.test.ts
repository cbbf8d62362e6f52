import { expect, test } from '@jest/globals';
import { normal, randomKey } from '../../../../trainer/algorithms/random.ts';
import { meanInterval, studentQuantile } from '../../../../trainer/contract/settings/student.ts';

// scipy 1.17.1: `python3 -c "from scipy.stats import t; print(t.ppf(P, V))"`
test.each([
  { probability: 0.975, degrees: 1, quantile: 12.706204736174694 },
  { probability: 0.975, degrees: 2, quantile: 4.302652729749462 },
  { probability: 0.975, degrees: 9, quantile: 2.262157162798205 },
  { probability: 0.9995, degrees: 29, quantile: 3.6594050194663748 },
  { probability: 0.999999, degrees: 199, quantile: 4.898044059391513 },
  { probability: 0.95, degrees: 4000, quantile: 1.6452346580164132 },
  { probability: 0.5, degrees: 7, quantile: 0 },
])('Student’s quantile of $probability for $degrees degrees of freedom', ({ probability, degrees, quantile }) => {
  expect(studentQuantile(probability, degrees)).toBeCloseTo(quantile, 7);
});

test('an interval of 90 % holds the mean nine times of ten', () => {
  const runs = Array.from({ length: 2000 }, (_, run) => {
    const key = randomKey('interval', run);
    const { low, high } = meanInterval(
      Array.from({ length: 6 }, (__, at) => 3 + 2 * normal(key, at)),
      0.9,
    );
    return low <= 3 && 3 <= high;
  });
  const share = runs.filter(Boolean).length / runs.length;
  expect(Math.abs(share - 0.9)).toBeLessThan(0.025); // four standard errors
});

test('equal values have an interval of no width', () => {
  expect(meanInterval([0.1, 0.1, 0.1], 0.99)).toEqual({
    mean: expect.closeTo(0.1),
    low: expect.closeTo(0.1),
    high: expect.closeTo(0.1),
  });
});
