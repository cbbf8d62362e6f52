import { expect, test } from '@jest/globals';
import { groupAdvantages } from '../../../trainer/algorithms/advantages.ts';
import { clippedSurrogate, k3, policyLoss } from '../../../trainer/algorithms/policy-loss.ts';
import { policyMetrics, samplingLogpDifference } from '../../../trainer/algorithms/policy-metrics.ts';
import { randomKey, uniform } from '../../../trainer/algorithms/random.ts';
import { sequenceWeights } from '../../../trainer/algorithms/sequence-weights.ts';

const clip = { low: 0.2, high: 0.28 };

function probabilities(length: number, ...coordinates: (string | number)[]): Float32Array {
  const key = randomKey('probabilities', ...coordinates);
  return Float32Array.from({ length }, (_, index) => 0.05 + 0.9 * uniform(key, index));
}

test('the first on-policy update has loss 0, no clipping and no KL', () => {
  const [advantages = []] = groupAdvantages([[1, 0, 0, 1]], { loss: 'grpo', epsilon: 1e-4 });
  const lengths = [5, 9, 3, 7];
  const weights = sequenceWeights(lengths, { loss: 'grpo', maxNewTokens: 16 });
  const sequences = lengths.map((length, index) => {
    const probs = probabilities(length, index);
    return { probs, oldProbs: probs, refProbs: probs, advantage: advantages[index]!, weight: weights[index]! };
  });
  expect(policyLoss(sequences, { clip, klCoefficient: 0.001 })).toBeCloseTo(0, 12);
  expect(policyMetrics(sequences, { clip })).toMatchObject({
    kl: 0,
    'clip_ratio/low_mean': 0,
    'clip_ratio/high_mean': 0,
    'clip_ratio/region_mean': 0,
  });
});

test.each([
  { ratio: 1, advantage: 2, loss: -2 },
  { ratio: 1.2, advantage: 1, loss: -1.2 },
  { ratio: 1.5, advantage: 1, loss: -1.28 },
  { ratio: 1.5, advantage: -1, loss: 1.5 },
  { ratio: 0.5, advantage: 1, loss: -0.5 },
  { ratio: 0.5, advantage: -1, loss: 0.8 },
])('a ratio of $ratio with advantage $advantage costs $loss', ({ ratio, advantage, loss }) => {
  expect(clippedSurrogate(ratio, advantage, clip)).toBeCloseTo(loss, 12);
});

test('k3 is never negative, 0 only where the policies agree, and flat there', () => {
  for (const [index, prob] of probabilities(500, 'policy').entries()) {
    const refProb = probabilities(500, 'reference')[index]!;
    expect(k3(prob, refProb)).toBeGreaterThan(0);
    expect(k3(prob, prob)).toBe(0);
    const step = 1e-4 * prob;
    expect(Math.abs(k3(prob + step, prob) - k3(prob - step, prob)) / (2 * step)).toBeLessThan(1e-3);
  }
  // π = 1/4, π_ref = 1/2: 2 − ln 2 − 1
  expect(k3(0.25, 0.5)).toBeCloseTo(1 - Math.LN2, 12);
});

test.each([
  { loss: 'grpo', weights: [1 / 8, 1 / 24] },
  { loss: 'dapo', weights: [1 / 16, 1 / 16] },
  { loss: 'dr_grpo', weights: [1 / 64, 1 / 64] },
] as const)('$loss weighs tokens of completions of 4 and 12', ({ loss, weights }) => {
  expect(sequenceWeights([4, 12], { loss, maxNewTokens: 32 })).toEqual(weights);
  expect(sequenceWeights([4, 0, 12], { loss, maxNewTokens: 32 })).toEqual([weights[0], 0, weights[1]]);
});

test.each([
  { loss: 'dr_grpo', factor: 2, name: 'punishes a wrong answer of twice the length twice' },
  { loss: 'grpo', factor: 1, name: 'punishes it the same' },
] as const)('$loss $name', ({ loss, factor }) => {
  const [, weightOf20 = 0] = sequenceWeights([4, 20], { loss, maxNewTokens: 64 });
  const [, weightOf40 = 0] = sequenceWeights([4, 40], { loss, maxNewTokens: 64 });
  expect((40 * weightOf40) / (20 * weightOf20)).toBeCloseTo(factor, 12);
});

test('clip ratios count only the tokens whose gradient is stopped', () => {
  const oldProbs = [0.4, 0.4, 0.4, 0.4];
  const probs = [0.2, 0.4, 0.6, 0.5];
  const metrics = (advantage: number) => policyMetrics([{ probs, oldProbs, advantage, weight: 1 }], { clip });
  expect(metrics(1)).toMatchObject({
    'clip_ratio/low_mean': 0,
    'clip_ratio/high_mean': 0.25,
    'clip_ratio/region_mean': 0.25,
  });
  expect(metrics(-1)).toMatchObject({ 'clip_ratio/low_mean': 0.25, 'clip_ratio/high_mean': 0 });
  expect(metrics(1)).not.toHaveProperty('kl');
});

test('equal bits of sampler and trainer give a difference of exactly 0', () => {
  const sampled = [probabilities(7, 1), probabilities(4, 2)];
  expect(samplingLogpDifference(sampled, sampled)).toEqual({
    'sampling/sampling_logp_difference/mean': 0,
    'sampling/sampling_logp_difference/max': 0,
  });
  const { 'sampling/sampling_logp_difference/max': max } = samplingLogpDifference([[0.5, 0.5]], [[0.5, 0.25]]);
  expect(max).toBeCloseTo(Math.LN2, 12);
  const missing = samplingLogpDifference([[0.5, 0.5]], [[0.5]]);
  expect(missing['sampling/sampling_logp_difference/mean']).toBeNaN();
});
