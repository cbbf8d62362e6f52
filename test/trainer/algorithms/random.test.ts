import { expect, test } from '@jest/globals';
import { philox, randomKey, shuffled, uniform } from '../../../trainer/algorithms/random.ts';

// Known-answer vectors of Random123 (kat_vectors, philox4x32 with 10 rounds).
test.each([
  { counter: [0, 0, 0, 0], key: [0, 0], words: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
  {
    counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    key: [0xffffffff, 0xffffffff],
    words: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  },
  {
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    words: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
] as const)('philox gives the published words for key $key', ({ counter, key, words }) => {
  expect(philox(counter, key)).toEqual(words);
});

test('uniform numbers depend on every coordinate and fill [0, 1) evenly', () => {
  const key = randomKey(7, 'rollout', 3, 'sums/12', 0);
  const numbers = Array.from({ length: 4000 }, (_, index) => uniform(key, index));
  expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...numbers)).toBeLessThan(1);
  const mean = numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
  expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / 4000)); // four standard errors
  expect(uniform(randomKey(7, 'rollout', 3, 'sums/12', 1), 0)).not.toBe(numbers[0]);
});

test('shuffling keeps every item and repeats itself for the same key', () => {
  const items = Array.from({ length: 100 }, (_, index) => index);
  const once = shuffled(items, randomKey(1));
  expect(once).not.toEqual(items);
  expect(once.toSorted((a, b) => a - b)).toEqual(items);
  expect(shuffled(items, randomKey(1))).toEqual(once);
});
