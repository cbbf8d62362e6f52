import { expect, test } from '@jest/globals';
import { array, assert, double, integer, property } from 'fast-check';
import { mostLikelyTokens, temper } from '../../../../trainer/rollout/live/live-sampler.ts';

const logits = array(double({ min: -30, max: 30, noNaN: true }), { minLength: 2, maxLength: 40 });

function softmax(values: readonly number[], temperature: number): Float32Array {
  const largest = Math.max(...values);
  const weights = values.map((value) => Math.exp((value - largest) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return Float32Array.from(weights, (weight) => weight / total);
}

test('a distribution is tempered as its logits would have been', () => {
  assert(
    property(logits, double({ min: 0.05, max: 2, noNaN: true }), (values, temperature) => {
      const expected = softmax(values, temperature);
      const probs = temper(softmax(values, 1), temperature, new Float32Array(values.length));
      // float32 in, to the power of up to 20
      for (const [token, p] of probs.entries()) expect(Math.abs(p - (expected[token] as number))).toBeLessThan(1e-5);
    }),
  );
});

test('the most likely tokens are the head of a sorted list, the first of equal ones first', () => {
  const probs = array(integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 30 });
  assert(
    property(probs, integer({ min: 1, max: 20 }), (values, count) => {
      const sorted = values.map((prob, token) => ({ token, prob })).toSorted((a, b) => b.prob - a.prob);
      expect(mostLikelyTokens(Float32Array.from(values), count)).toEqual(sorted.slice(0, count));
    }),
  );
});
