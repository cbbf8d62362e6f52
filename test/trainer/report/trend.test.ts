import { expect, test } from '@jest/globals';
import { randomKey, normal } from '../../../trainer/algorithms/random.ts';
import { onePointARollout } from '../../../trainer/contract/settings/curve.ts';
import { studentQuantile } from '../../../trainer/contract/settings/student.ts';
import { changeOf, trendOfLastThird } from '../../../trainer/report/trend.ts';

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
  expect((trend.high - trend.slope) / studentQuantile(0.975, 8)).toBeCloseTo(0.0944755, 6);
});

/** Verdicts on a thousand curves of pure noise whose rollouts are learned from in so many mini-batches. */
function verdictsOnNoise(
  judge: (points: { x: number; y: number }[]) => { verdict: string },
  { rollouts, miniBatches }: { rollouts: number; miniBatches: number },
): Map<string, number> {
  const counts = new Map<string, number>();
  for (let run = 0; run < 1000; run++) {
    const key = randomKey('noise', run);
    const steps = Array.from({ length: rollouts * miniBatches }, (_, at) => at + 1);
    const rewards = Array.from({ length: rollouts }, (_, at) => normal(key, at));
    const values = steps.map((step) => rewards[Math.ceil(step / miniBatches) - 1] as number);
    const curve = onePointARollout({ steps, values }, miniBatches);
    const { verdict } = judge(curve.steps.map((x, at) => ({ x, y: curve.values[at] as number })));
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
  }
  return counts;
}

test.each([
  { rollouts: 24, miniBatches: 16 },
  { rollouts: 100, miniBatches: 16 },
  { rollouts: 100, miniBatches: 1 },
])('pure noise rarely has a trend: $rollouts rollouts of $miniBatches mini-batches', (run) => {
  for (const judge of [trendOfLastThird, changeOf]) {
    const verdicts = verdictsOnNoise(judge, run);
    for (const verdict of ['rising', 'falling']) expect(verdicts.get(verdict) ?? 0).toBeLessThan(50);
    expect(verdicts.get('flat')).toBeGreaterThan(900);
  }
});

test.each([
  { name: 'rises and rests', y: (x: number) => Math.min(x, 30) / 30, verdict: 'rising', from: 0.067, to: 1 },
  { name: 'falls', y: (x: number) => 1 - x / 49, verdict: 'falling', from: 0.96, to: 0.04 },
  { name: 'is a constant', y: () => 0.5, verdict: 'flat', from: 0.5, to: 0.5 },
])('a curve that $name, as a whole', ({ y, verdict, from, to }) => {
  const change = changeOf(Array.from({ length: 50 }, (_, x) => ({ x, y: y(x) })));
  expect(change.verdict).toBe(verdict);
  expect(change.from).toBeCloseTo(from, 2);
  expect(change.to).toBeCloseTo(to, 2);
});

test('nine points are too few for a change', () => {
  expect(changeOf(Array.from({ length: 9 }, (_, x) => ({ x, y: x }))).verdict).toBe('unknown');
});
