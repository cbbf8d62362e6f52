import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { LearningCheck, type LearningMetrics } from '../../../trainer/algorithms/learning-check.ts';
import { judgeWholeCurves } from '../../support/judge-whole-curves.ts';

const setting = fc.record({
  stepsPerRollout: fc.integer({ min: 1, max: 4 }),
  groupsPerRollout: fc.integer({ min: 1, max: 40 }),
});

const unit = fc.double({ min: 0, max: 1, noNaN: true });

/** A stretch of rollouts that are alike in what the check looks at. */
const stretch = fc.record({
  rollouts: fc.integer({ min: 1, max: 30 }),
  silent: fc.boolean(),
  reward: fc.oneof(fc.constant(0), fc.constant(1), unit),
  right: fc.boolean(),
  abstained: fc.oneof(fc.constant(0), fc.constant(1), unit),
  cut: fc.oneof(fc.constant(1), fc.double({ min: 0.9, max: 1, noNaN: true })),
  kl: fc.double({ min: 0, max: 12, noNaN: true }),
});
const rewarded = fc.array(stretch, { maxLength: 6 }).map((stretches) =>
  stretches.flatMap(({ rollouts, silent, reward, right, abstained, cut, kl }): LearningMetrics[] =>
    Array.from({ length: rollouts }, () => ({
      reward,
      'rewards/accuracy/mean': right ? 1 : 0.5,
      frac_reward_zero_std: silent ? 1 : 0.5,
      abstained_frac: abstained,
      'completions/clipped_ratio': cut,
      kl,
      loss: 0,
      learning_rate: 1e-3,
    })),
  ),
);

const slope = fc.record({
  steps: fc.integer({ min: 1, max: 120 }),
  to: fc.double({ min: 0.1, max: 5, noNaN: true }),
  noise: fc.double({ min: 0, max: 1, noNaN: true }),
  learningRate: fc.oneof(fc.constant(0), fc.constant(1e-3), fc.double({ min: 0, max: 1e-2, noNaN: true })),
});
const supervised = fc.array(slope, { maxLength: 6 }).map((slopes) => {
  const lines: LearningMetrics[] = [];
  let from = 2;
  for (const { steps, to, noise, learningRate } of slopes) {
    for (let at = 1; at <= steps; at++) {
      const share = at / steps;
      const loss = from + (to - from) * share + noise * Math.abs(Math.sin(at * 12.9898));
      lines.push({ loss, learning_rate: learningRate * share });
    }
    from = to;
  }
  return lines;
});

test.each([
  { name: 'rewards', rollouts: rewarded },
  { name: 'a supervised loss', rollouts: supervised },
])('of $name, a check step by step finds after every step what one of the whole curves finds', ({ rollouts }) => {
  fc.assert(
    fc.property(setting, rollouts, ({ stepsPerRollout, groupsPerRollout }, figures) => {
      const isRollout = figures[0]?.reward !== undefined;
      const how = { stepsPerRollout: isRollout ? stepsPerRollout : 1, groupsPerRollout };
      const check = new LearningCheck(how);
      const curves = new Map<string, { steps: number[]; values: number[] }>();
      const lines = figures.flatMap((each) => Array.from({ length: how.stepsPerRollout }, () => each));
      for (const [at, line] of lines.entries()) {
        check.see(at + 1, line);
        for (const [name, value] of Object.entries(line)) {
          const curve = curves.get(name) ?? { steps: [], values: [] };
          curve.steps.push(at + 1);
          curve.values.push(value);
          curves.set(name, curve);
        }
        for (const ended of [false, true]) {
          expect(check.findings(ended)).toEqual(judgeWholeCurves(curves, { ...how, ended }));
        }
      }
    }),
    { numRuns: 40 },
  );
});
