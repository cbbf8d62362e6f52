import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { randomKey } from '../../../trainer/algorithms/random.ts';
import { weightedDraw } from '../../../trainer/algorithms/weighted-draw.ts';

test('a draw has places with a weight alone, each once, and as many as there are', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constant(0), fc.double({ min: 1e-6, max: 1e3, noNaN: true })), { maxLength: 30 }),
      fc.nat(40),
      fc.nat(),
      (weights, count, seed) => {
        const drawn = weightedDraw(weights.length, count, (place) => weights[place] ?? 0, randomKey(seed));
        expect(new Set(drawn).size).toBe(drawn.length);
        expect(drawn.every((place) => (weights[place] ?? 0) > 0)).toBe(true);
        expect(drawn).toHaveLength(Math.min(count, weights.filter((weight) => weight > 0).length));
      },
    ),
  );
});

test('the first place comes in proportion to its weight, and the second to that of those that are left', () => {
  const weights = [1, 2, 5];
  const firsts = [0, 0, 0];
  let secondAfterHeaviest = 0;
  const draws = 20_000;
  for (let index = 0; index < draws; index++) {
    const [first = 0, second] = weightedDraw(3, 2, (place) => weights[place] ?? 0, randomKey('draw', index));
    firsts[first]!++;
    if (first === 2 && second === 1) secondAfterHeaviest++;
  }
  // Four standard deviations of a share of 20,000 draws are 0.014 at most.
  for (const [place, weight] of weights.entries())
    expect(Math.abs(firsts[place]! / draws - weight / 8)).toBeLessThan(0.014);
  expect(Math.abs(secondAfterHeaviest / firsts[2]! - 2 / 3)).toBeLessThan(0.02);
});

test('a draw is a function of its key', () => {
  const [once, again, other] = [1, 1, 2].map((seed) => weightedDraw(1000, 5, () => 1, randomKey(seed)));
  expect(again).toEqual(once);
  expect(other).not.toEqual(once);
});
