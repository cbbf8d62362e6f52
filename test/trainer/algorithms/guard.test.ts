import { expect, test } from '@jest/globals';
import { confidenceAfter, type GuardState, look } from '../../../trainer/algorithms/guard.ts';
import { randomKey, uniform } from '../../../trainer/algorithms/random.ts';

const prompts = 100;

/** The first `right` of a hundred prompts are answered. */
function scores(right: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: prompts }, (_, at) => [`prompt-${at}`, at < right ? 1 : 0]));
}

function looks(
  rights: readonly number[],
  { rewards = [], tolerance = 0 }: { rewards?: number[]; tolerance?: number } = {},
) {
  let state: GuardState | undefined;
  for (const [at, right] of rights.entries()) {
    state = look(state, { step: 10 * at, figure: 'pass@1', scores: scores(right), rewards, tolerance });
  }
  return state;
}

test.each([
  { name: 'the first look is good', rights: [50], good: 0, alarm: undefined },
  { name: 'a better one takes its place', rights: [50, 60], good: 10, alarm: undefined },
  { name: 'of equals the newest is', rights: [60, 60], good: 10, alarm: undefined },
  { name: 'a little worse is chance', rights: [50, 60, 57], good: 10, alarm: undefined },
  { name: 'much worse is none', rights: [50, 60, 30], good: 10, alarm: 'GuardFell' },
  { name: 'after a recovery nothing is said', rights: [50, 60, 30, 58], good: 10, alarm: undefined },
  { name: 'a fall from right to wrong everywhere has no width', rights: [100, 0], good: 0, alarm: 'GuardFell' },
])('$name', ({ rights, good, alarm }) => {
  const state = looks(rights);
  expect(state?.good.step).toBe(good);
  expect(state?.alarm?.reason).toBe(alarm);
});

test.each([
  { rewards: [1, 2, 3, 4], reason: 'RewardDiverged' },
  { rewards: [1, 2, 3], reason: 'GuardFell' }, // three rise by chance once in six times
  { rewards: [1, 3, 2, 4, 3, 5, 5, 5, 5, 5], reason: 'RewardDiverged' },
  { rewards: [5, 4, 3, 2, 1], reason: 'GuardFell' },
  { rewards: [1, 1, 1, 1, 1], reason: 'GuardFell' },
])('with the rewards $rewards since the good step a fall is $reason', ({ rewards, reason }) => {
  expect(looks([60, 10], { rewards })?.alarm?.reason).toBe(reason);
});

test('an alarm says both figures, the interval and its confidence', () => {
  expect(looks([60, 10], { rewards: [1, 2, 3, 4] })?.alarm?.message).toBe(
    'held-out pass@1 fell from 0.6 at step 0 to 0.1 at step 10 (−0.50, 97.5 % interval −0.61 … −0.39) while the reward rose from 1 to 4',
  );
});

test('what was said first is said as long as it holds', () => {
  expect(looks([60, 10, 5])?.alarm?.message).toBe(looks([60, 10])?.alarm?.message);
});

test('a fall within the tolerance is none', () => {
  expect(looks([60, 30], { tolerance: 0.15 })?.alarm).toBeDefined();
  expect(looks([60, 30], { tolerance: 0.3 })?.alarm).toBeUndefined();
});

test('prompts that could not be judged both times say nothing', () => {
  const first = look(undefined, { step: 0, figure: 'pass@1', scores: { a: 1, b: 1 }, rewards: [], tolerance: 0 });
  const second = look(first, { step: 10, figure: 'pass@1', scores: { a: 0 }, rewards: [], tolerance: 0 });
  expect(second.last).toEqual({ step: 10, score: 0, standardError: 0 });
  expect(second.alarm).toBeUndefined();
});

test('the confidences of all pairs of looks leave one false alarm in twenty stages', () => {
  const total = Array.from({ length: 1000 }, (_, at) => at + 1).reduce(
    (sum, k) => sum + k * (1 - confidenceAfter(k)),
    0,
  );
  expect(total).toBeGreaterThan(0.049);
  expect(total).toBeLessThan(0.05);
});

test('a model that stays as good has fewer false alarms than that in twenty looks', () => {
  const stages = 400;
  let alarms = 0;
  for (let stage = 0; stage < stages; stage++) {
    let state: GuardState | undefined;
    for (let at = 0; at < 20 && state?.alarm === undefined; at++) {
      const key = randomKey('guard', stage, at);
      const drawn = Array.from(
        { length: 40 },
        (_, prompt) => [`${prompt}`, uniform(key, prompt) < 0.6 ? 1 : 0] as const,
      );
      state = look(state, { step: at, figure: 'pass@1', scores: Object.fromEntries(drawn), rewards: [], tolerance: 0 });
    }
    if (state?.alarm) alarms++;
  }
  expect(alarms / stages).toBeLessThan(0.05);
});
