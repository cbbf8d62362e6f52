import { expect, test } from '@jest/globals';
import {
  expectedVariance,
  type PassCount,
  passRate,
  remember,
  untried,
} from '../../../trainer/algorithms/pass-rates.ts';

const of = (passes: number, tries: number): PassCount => ({ passes, tries });

// By numerical integration, p = sin² t, so that the ends are smooth:
// python3 -c "from math import *; f = lambda x, y: sum(sin(t)**(2*x-1) * cos(t)**(2*y-1) for t in ((i+.5)*pi/2e5 for i in range(100000)))
// print([f(p+1.5, n-p+1.5) / f(p+.5, n-p+.5) for p, n in [(0,0), (8,16), (0,16), (16,16), (1,4)]])"
test.each([
  { name: 'nothing is known', count: untried, variance: 0.125 },
  { name: 'half are right', count: of(8, 16), variance: 0.2361111 },
  { name: 'none is right', count: of(0, 16), variance: 0.0269608 },
  { name: 'all are right', count: of(16, 16), variance: 0.0269608 },
  { name: 'a quarter is right', count: of(1, 4), variance: 0.175 },
])('where $name, a group is expected to have a variance of $variance', ({ count, variance }) => {
  expect(expectedVariance(count)).toBeCloseTo(variance, 6);
});

test('a pass rate is never estimated as 0 or 1, and as a half where nothing is known', () => {
  expect(passRate(untried)).toBe(0.5);
  expect(passRate(of(0, 4))).toBeCloseTo(0.1, 12);
  expect(passRate(of(4, 4))).toBeCloseTo(0.9, 12);
});

test('older groups count half as much with each new one', () => {
  const after = [of(0, 8), of(8, 8), of(8, 8)].reduce(remember, untried);
  expect(after).toEqual(of(12, 14));
});
