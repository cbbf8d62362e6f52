import { expect, test } from '@jest/globals';
import { clipFactor, sumOfSquares } from '../../../trainer/optim/clipping.ts';

test.each([
  { norm: 4, maxNorm: 1, factor: 0.25 },
  { norm: 0.5, maxNorm: 1, factor: 1 },
  { norm: 4, maxNorm: 0, factor: 1 },
])('a gradient of norm $norm clipped to $maxNorm is scaled by $factor', ({ norm, maxNorm, factor }) => {
  expect(clipFactor(norm, maxNorm)).toBe(factor);
});

test('the sum of squares covers exactly the range, whatever its length', () => {
  const values = Float32Array.from({ length: 11 }, (_, i) => i);
  for (let end = 2; end <= 11; end++) {
    const expected = [...values.subarray(2, end)].reduce((sum, value) => sum + value ** 2, 0);
    expect(sumOfSquares(values, 2, end)).toBe(expected);
  }
});

test('squares are summed in float64', () => {
  expect(sumOfSquares(new Float32Array(4).fill(1e30), 0, 4)).toBeCloseTo(4e60, -54);
});
