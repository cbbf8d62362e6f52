import { expect, test } from '@jest/globals';
import { groupAdvantages } from '../../../trainer/losses/group-advantages.ts';
import { randomKey, shuffled, uniform } from '../../../trainer/algorithms/random.ts';
import { sampleStd } from '../../../trainer/algorithms/statistics.ts';

const exact = { scale: 'group', epsilon: 0 } as const;
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

test('rewards (1, 0, 0, 0) give 1.5 and −0.5: the sample standard deviation divides', () => {
  const [advantages] = groupAdvantages([[1, 0, 0, 0]], exact);
  for (const [index, expected] of [1.5, -0.5, -0.5, -0.5].entries())
    expect(advantages?.[index]).toBeCloseTo(expected, 12);
});

test('without scaling nothing divides, as in Dr. GRPO', () => {
  expect(groupAdvantages([[1, 0, 0, 0]], { scale: 'none', epsilon: 1e-4 })).toEqual([[0.75, -0.25, -0.25, -0.25]]);
});

test('ε is added to the standard deviation', () => {
  const [advantages] = groupAdvantages([[1, 0]], { scale: 'group', epsilon: 0.5 });
  expect(advantages?.[0]).toBeCloseTo(0.5 / (Math.SQRT1_2 + 0.5), 12);
});

test.each([0, 1, 0.1, -1 / 3])('a group whose rewards are all %d has advantage exactly 0, whatever ε', (reward) => {
  const group = [reward, reward, reward, reward, reward, reward, reward];
  expect(groupAdvantages([group], exact)).toEqual([[0, 0, 0, 0, 0, 0, 0]]);
});

test('advantages sum to 0 in a group and do not change under a·r + b', () => {
  const rewards = Array.from({ length: 20 }, (_, g) => Array.from({ length: 8 }, (_x, i) => uniform(randomKey(g), i)));
  const advantages = groupAdvantages(rewards, exact);
  const scaled = groupAdvantages(
    rewards.map((group) => group.map((reward) => 3.7 * reward - 11)),
    exact,
  );
  for (const [g, group] of advantages.entries()) {
    expect(sum(group)).toBeCloseTo(0, 12);
    for (const [i, advantage] of group.entries()) expect(scaled[g]?.[i]).toBeCloseTo(advantage, 10);
  }
});

test('a completion keeps its advantage when its siblings change places, and groups know nothing of each other', () => {
  const group = [0.1, 0.9, 0.3, 0.3, 0.7];
  const order = shuffled([0, 1, 2, 3, 4], randomKey(3));
  const [plain = [], other] = groupAdvantages([group, [5, 6, 7, 8, 9]], exact);
  const [alone = []] = groupAdvantages([order.map((index) => group[index])], exact);
  for (const [position, index] of order.entries()) expect(alone[position]).toBeCloseTo(plain[index] as number, 12);
  expect(other?.[0]).toBeCloseTo(-2 / sampleStd([5, 6, 7, 8, 9]), 12);
});

test('a completion whose verifier abstained is no wrong answer: advantage 0, and its siblings do as if it were not there', () => {
  const [withAbstained = []] = groupAdvantages([[1, undefined, 0, 0, 0]], exact);
  const [without = []] = groupAdvantages([[1, 0, 0, 0]], exact);
  expect(withAbstained).toEqual([without[0], 0, ...without.slice(1)]);
  expect(groupAdvantages([[1, undefined, undefined]], exact)).toEqual([[0, 0, 0]]);
});

test('groups without signal are as frequent as pᴳ + (1−p)ᴳ says', () => {
  const [pass, size, groups] = [0.3, 4, 3000];
  const rewards = Array.from({ length: groups }, (_, g) =>
    Array.from({ length: size }, (_x, i) => (uniform(randomKey('oracle', g), i) < pass ? 1 : 0)),
  );
  const silent = groupAdvantages(rewards, exact).filter((group) => group.every((advantage) => advantage === 0)).length;
  const expected = pass ** size + (1 - pass) ** size;
  const standardError = Math.sqrt((expected * (1 - expected)) / groups);
  expect(Math.abs(silent / groups - expected)).toBeLessThan(3.3 * standardError); // one false alarm in a thousand
});
