import { expect, test } from '@jest/globals';
import { randomKey, normal } from '../../../trainer/algorithms/random.ts';
import { studentQuantile975, trendOfLastThird } from '../../../trainer/report/trend.ts';

const noise = randomKey('trend');

test.each([
  { name: 'a line that climbs', y: (x: number) => 0.01 * x, verdict: 'rising' },
  { name: 'a line that falls', y: (x: number) => -0.01 * x, verdict: 'falling' },
  { name: 'noise around a constant', y: (x: number) => normal(noise, x), verdict: 'flat' },
  { name: 'a curve that has levelled off', y: (x: number) => Math.min(x, 100) + normal(noise, x), verdict: 'flat' },
  { name: 'a constant', y: () => 1, verdict: 'flat' },
])('$name is $verdict', ({ y, verdict }) => {
  const curve = Array.from({ length: 300 }, (_, x) => ({ x, y: y(x) }));
  expect(trendOfLastThird(curve)).toMatchObject({ verdict, points: 100 });
});

test('too few points say nothing', () => {
  expect(trendOfLastThird([{ x: 1, y: 1 }]).verdict).toBe('unknown');
});

test('the interval is that of a regression by hand', () => {
  // Least squares over x = 0…9, computed apart in Python: slope 0.9636364, stderr 0.0944755
  const y = [1, 3, 2, 5, 4, 6, 8, 7, 9, 10];
  const padding = Array.from({ length: 20 }, (_, i) => ({ x: i - 20, y: 0 }));
  const trend = trendOfLastThird([...padding, ...y.map((value, x) => ({ x, y: value }))]);
  expect(trend.slope).toBeCloseTo(0.9636364, 6);
  expect((trend.high - trend.slope) / studentQuantile975(8)).toBeCloseTo(0.0944755, 6);
});

// Tables of Student's t distribution.
test.each([
  [6, 2.447],
  [10, 2.228],
  [30, 2.042],
  [120, 1.98],
])('the quantile for %d degrees of freedom', (degrees, quantile) => {
  expect(Math.abs(studentQuantile975(degrees) - quantile)).toBeLessThan(0.003);
});
