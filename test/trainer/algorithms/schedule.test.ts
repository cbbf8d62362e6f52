import { expect, test } from '@jest/globals';
import { learningRateAt } from '../../../trainer/algorithms/schedule.ts';

test.each([
  { kind: 'constant', warmupSteps: 0, rates: [1, 1, 1, 1, 1] },
  { kind: 'constant', warmupSteps: 2, rates: [0.5, 1, 1, 1, 1] },
  { kind: 'linear', warmupSteps: 0, rates: [1, 0.775, 0.55, 0.325, 0.1] },
  { kind: 'linear', warmupSteps: 3, rates: [1 / 3, 2 / 3, 1, 0.55, 0.1] },
  {
    kind: 'cosine',
    warmupSteps: 0,
    rates: [1, 0.1 + 0.45 * (1 + Math.SQRT1_2), 0.55, 0.1 + 0.45 * (1 - Math.SQRT1_2), 0.1],
  },
  { kind: 'cosine', warmupSteps: 10, rates: [0.1, 0.2, 0.3, 0.4, 0.5] },
] as const)('$kind after $warmupSteps steps of warm-up', ({ kind, warmupSteps, rates }) => {
  for (const [index, rate] of rates.entries()) {
    expect(learningRateAt({ kind, warmupSteps, final: 0.1 }, 2e-3, index + 1, 5)).toBeCloseTo(2e-3 * rate, 12);
  }
});

test('a cosine from 5e-5 to 5e-6 starts and ends there, as in the paper', () => {
  const schedule = { kind: 'cosine', warmupSteps: 0, final: 0.1 } as const;
  expect(learningRateAt(schedule, 5e-5, 1, 400)).toBeCloseTo(5e-5, 15);
  expect(learningRateAt(schedule, 5e-5, 400, 400)).toBeCloseTo(5e-6, 15);
  expect(learningRateAt(schedule, 5e-5, 1, 1)).toBeCloseTo(5e-5, 15);
});
