import { expect, test } from '@jest/globals';
import { array, assert, integer, property } from 'fast-check';
import { randomKey, uniform } from '../../../trainer/algorithms/random.ts';
import { type LabelledScore, rocAuc } from '../../../trainer/algorithms/roc-auc.ts';

const scored = (good: readonly number[], bad: readonly number[]): LabelledScore[] => [
  ...good.map((score) => ({ isGood: true, score })),
  ...bad.map((score) => ({ isGood: false, score })),
];

test.each([
  { name: 'every good one above every bad one', good: [3, 4], bad: [1, 2], area: 1 },
  { name: 'every good one below every bad one', good: [1, 2], bad: [3, 4], area: 0 },
  { name: 'equal scores', good: [5, 5, 5], bad: [5], area: 0.5 },
  { name: 'two of six pairs the wrong way round, one tied', good: [1, 3, 4], bad: [2, 3], area: 3.5 / 6 },
])('the area of $name is $area', ({ good, bad, area }) => {
  expect(rocAuc(scored(good, bad))?.area).toBeCloseTo(area, 12);
});

test.each([
  { name: 'good ones alone', good: [1, 2], bad: [] },
  { name: 'bad ones alone', good: [], bad: [1] },
])('$name have no area', ({ good, bad }) => {
  expect(rocAuc(scored(good, bad))).toBeUndefined();
});

test('the area is the share of pairs of a good and a bad one in which the good one scores higher, ties as a half', () => {
  const scores = array(integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 20 });
  assert(
    property(scores, scores, (good, bad) => {
      const won = good.flatMap((a) => bad.map((b) => (1 + Math.sign(a - b)) / 2));
      const { area, low, high } = rocAuc(scored(good, bad))!;
      expect(area).toBeCloseTo(won.reduce((sum, each) => sum + each, 0) / won.length, 9);
      expect(low).toBeGreaterThanOrEqual(0);
      expect(low).toBeLessThanOrEqual(area);
      expect(high).toBeGreaterThanOrEqual(area);
      expect(high).toBeLessThanOrEqual(1);
    }),
  );
});

test('a perfect score on few responses is not sure to be perfect', () => {
  const { area, low, high } = rocAuc(scored([4, 5, 6], [1, 2, 3]))!;
  expect([area, high]).toEqual([1, 1]);
  expect(low).toBeLessThan(0.7);
});

test('nineteen in twenty intervals hold the true area', () => {
  const rounds = 400;
  const each = 25;
  // Uniform scores of which the good ones are 0.3 higher: of pairs 1 − 0.7² ÷ 2 are the right way round.
  const truth = 1 - 0.7 ** 2 / 2;
  const held = Array.from({ length: rounds }, (_, round) => {
    const draw = (place: number) => uniform(randomKey('roc', round), place);
    const [good, bad] = [0, each].map((from) => Array.from({ length: each }, (__, at) => draw(from + at))) as [
      number[],
      number[],
    ];
    const { low, high } = rocAuc(
      scored(
        good.map((score) => score + 0.3),
        bad,
      ),
    )!;
    return Number(low <= truth && truth <= high);
  }).reduce((sum, one) => sum + one, 0);
  expect(held / rounds).toBeGreaterThan(0.92);
  expect(held / rounds).toBeLessThan(0.985);
});
