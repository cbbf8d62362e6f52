import { expect, test } from '@jest/globals';
import { clipFactor, sumOfSquares } from '../../../trainer/optim/clipping.ts';

test.each([
  { norm: 4, maxNorm: 1, factor: 0.25 },
  { norm: 0.5, maxNorm: 1, factor: 1 },
  { norm: 4, maxNorm: 0, factor: 1 },
])('a gradient of norm $norm clipped to $maxNorm is scaled by $factor', ({ norm, maxNorm, factor }) => {
  expect(clipFactor(norm, maxNorm)).toBe(factor);
});

test('the sum of squares covers every element, whatever the length', () => {
  for (let length = 0; length <= 9; length++) {
    const values = Float32Array.from({ length }, (_, i) => i + 1);
    expect(sumOfSquares(values)).toBe(values.reduce((sum, value) => sum + value ** 2, 0));
  }
});

test('squares are summed in float64', () => {
  expect(sumOfSquares(new Float32Array(4).fill(1e30))).toBeCloseTo(4e60, -54);
});
