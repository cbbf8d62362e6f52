import { expect, test } from '@jest/globals';
import { randomKey, uniform } from '../../../trainer/algorithms/random.ts';
import { chooseToken, mostLikely } from '../../../trainer/rollout/sampling.ts';

const all = { temperature: 1, topP: 1, topK: 0 };
const probs = Float32Array.of(0.1, 0.4, 0.05, 0.25, 0.2);

/** How often each token is chosen by evenly spread random numbers. */
function frequencies(row: Float32Array, sampling: typeof all, draws = 10_000): number[] {
  const counts = Array.from(row, () => 0);
  for (let i = 0; i < draws; i++) {
    const token = chooseToken(row, sampling, (i + 0.5) / draws);
    counts[token] = (counts[token] as number) + 1 / draws;
  }
  return counts;
}

function tokensOf(row: Float32Array, sampling: typeof all): number[] {
  return frequencies(row, sampling).flatMap((frequency, token) => (frequency > 0 ? [token] : []));
}

test('each token is chosen for a share of the random numbers equal to its probability', () => {
  frequencies(probs, all).forEach((frequency, token) => expect(frequency).toBeCloseTo(probs[token] as number, 3));
});

test('temperature 0 takes the first of the most likely tokens', () => {
  expect(chooseToken(Float32Array.of(0.1, 0.4, 0.1, 0.4), { ...all, temperature: 0 }, 0.999)).toBe(1);
  expect(mostLikely(Float32Array.of(0.4, 0.2, 0.4))).toBe(0);
});

test.each([
  { topK: 1, topP: 1, tokens: [1] },
  { topK: 2, topP: 1, tokens: [1, 3] },
  { topK: 4, topP: 1, tokens: [0, 1, 3, 4] },
  { topK: 0, topP: 0, tokens: [1] },
  { topK: 0, topP: 0.39, tokens: [1] },
  { topK: 0, topP: 0.41, tokens: [1, 3] },
  { topK: 0, topP: 0.7, tokens: [1, 3, 4] },
  { topK: 0, topP: 0.96, tokens: [0, 1, 2, 3, 4] },
  // Of the 3 most likely, 0.4/0.85 = 0.47 and 0.25/0.85 = 0.29: the first two reach 0.7.
  { topK: 3, topP: 0.7, tokens: [1, 3] },
])('top-k $topK and top-p $topP keep exactly $tokens', ({ tokens, ...sampling }) => {
  expect(tokensOf(probs, { ...all, ...sampling })).toEqual(tokens);
});

test('kept tokens keep their proportions', () => {
  const kept = frequencies(probs, { ...all, topK: 2 });
  expect(kept[1]).toBeCloseTo(0.4 / 0.65, 3);
  expect(kept[3]).toBeCloseTo(0.25 / 0.65, 3);
});

test('of tokens that are equally likely, top-k keeps the first', () => {
  const equal = new Float32Array(6).fill(1 / 6);
  expect(tokensOf(equal, { ...all, topK: 3 })).toEqual([0, 1, 2]);
  expect(tokensOf(equal, { ...all, topP: 0.49 })).toEqual([0, 1, 2]);
});

test('a sum that differs from 1 favours no token', () => {
  const short = probs.map((p) => p * 0.999);
  expect(frequencies(short, all, 100_000)[4]).toBeCloseTo(0.2, 4);
  expect(chooseToken(short, all, 1 - 2 ** -53)).toBe(4);
});

test('a token of probability 0 is never chosen, at neither end', () => {
  const row = Float32Array.of(0, 0.5, 0, 0.5, 0);
  expect(chooseToken(row, all, 0)).toBe(1);
  expect(chooseToken(row, all, 1 - 2 ** -53)).toBe(3);

  const long = new Float32Array(300).fill(0.5, 70, 72);
  expect(chooseToken(long, all, 0)).toBe(70);
  expect(chooseToken(long, all, 1 - 2 ** -53)).toBe(71);
});

test.each([
  { name: 'all', sampling: all },
  { name: 'top-k 20 and top-p 0.8', sampling: { ...all, topK: 20, topP: 0.8 } },
])('frequencies over a peaked vocabulary of 200 fit the probabilities (χ²): $name', ({ sampling }) => {
  const weights = Float64Array.from({ length: 200 }, (_, i) => Math.exp(-((i * 37) % 200) / 30));
  const row = Float32Array.from(weights, (w) => w / weights.reduce((a, b) => a + b));
  const kept = nucleusBySorting(row, sampling);
  const mass = kept.reduce((sum, token) => sum + (row[token] as number), 0);

  const draws = 20_000;
  const key = randomKey('sampling test');
  const counts = new Map<number, number>();
  for (let i = 0; i < draws; i++) {
    const token = chooseToken(row, sampling, uniform(key, i));
    counts.set(token, (counts.get(token) ?? 0) + 1);
  }
  const chiSquare = kept.reduce((sum, token) => {
    const expected = (draws * (row[token] as number)) / mass;
    return sum + ((counts.get(token) ?? 0) - expected) ** 2 / expected;
  }, 0);
  expect([...counts.keys()].every((token) => kept.includes(token))).toBe(true);
  const degrees = kept.length - 1;
  expect(chiSquare).toBeLessThan(degrees + 4 * Math.sqrt(2 * degrees)); // about 1 in 10 000 by chance; the key is fixed
});

/** The same set by its definition. */
function nucleusBySorting(row: Float32Array, { topK, topP }: typeof all): number[] {
  const order = [...row.keys()].toSorted((a, b) => (row[b] as number) - (row[a] as number));
  const candidates = order.slice(0, topK || row.length);
  const mass = candidates.reduce((sum, token) => sum + (row[token] as number), 0);
  let cumulative = 0;
  return candidates.filter((token) => {
    const wanted = cumulative < topP * mass;
    cumulative += row[token] as number;
    return wanted;
  });
}
