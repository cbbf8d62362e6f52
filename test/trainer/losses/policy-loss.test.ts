import { expect, test } from '@jest/globals';
import { groupAdvantages } from '../../../trainer/losses/group-advantages.ts';
import { policyLoss, tokenInputs, tokenLosses } from '../../../trainer/losses/policy-loss.ts';
import { policyMetrics, samplingLogpDifference } from '../../../trainer/losses/policy-metrics.ts';
import { randomKey, uniform } from '../../../trainer/algorithms/random.ts';
import { sequenceWeights } from '../../../trainer/losses/sequence-weights.ts';

const clip = { low: 0.2, high: 0.28 };

function probabilities(length: number, ...coordinates: (string | number)[]): Float32Array {
  const key = randomKey('probabilities', ...coordinates);
  return Float32Array.from({ length }, (_, index) => 0.05 + 0.9 * uniform(key, index));
}

test('the first on-policy update has loss 0, no clipping and no KL', () => {
  const [advantages = []] = groupAdvantages([[1, 0, 0, 1]], { scale: 'group', epsilon: 1e-4 });
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

/** What one token costs: its ratio is `ratio`, whatever its probability. */
function tokenLoss(given: { prob?: number; ratio?: number; refProb?: number; advantage?: number; dual?: number }) {
  const { prob = 0.5, ratio = 1, refProb = prob, advantage = 0, dual } = given;
  const sample = { probs: [prob], oldProbs: [prob / ratio], refProbs: [refProb], advantage, weight: 1 };
  const [loss] = tokenLosses(sample, { clip: { ...clip, dual } });
  return { surrogate: loss?.surrogate ?? NaN, k3: loss?.kl ?? NaN };
}

test.each([
  { ratio: 1, advantage: 2, loss: -2 },
  { ratio: 1.2, advantage: 1, loss: -1.2 },
  { ratio: 1.5, advantage: 1, loss: -1.28 },
  { ratio: 1.5, advantage: -1, loss: 1.5 },
  { ratio: 0.5, advantage: 1, loss: -0.5 },
  { ratio: 0.5, advantage: -1, loss: 0.8 },
  { ratio: 4, advantage: -1, loss: 4 },
  { ratio: 4, advantage: -1, dual: 3, loss: 3 },
  { ratio: 2, advantage: -1, dual: 3, loss: 2 },
  { ratio: 4, advantage: 1, dual: 3, loss: -1.28 },
])('a ratio of $ratio with advantage $advantage and dual clip $dual costs $loss', ({ loss, ...given }) => {
  expect(tokenLoss(given).surrogate).toBeCloseTo(loss, 12);
});

test.each([
  { name: 'a token that has become e³⁰ times as likely', ratio: Math.exp(30), loss: Math.exp(20) },
  { name: 'a probability that underflowed when it was sampled', ratio: Infinity, loss: Math.exp(20) },
  { name: 'a probability that underflows now', prob: 0, ratio: NaN, loss: 0.8 },
])('$name counts as a log-ratio of at most 20', ({ prob = 0.5, ratio, loss }) => {
  const oldProbs = [prob === 0 ? 0.5 : prob / ratio];
  const [token] = tokenLosses({ probs: [prob], oldProbs, refProbs: [0.5], advantage: -1, weight: 1 }, { clip });
  expect((token?.surrogate ?? NaN) / loss).toBeCloseTo(1, 12);
  expect(token?.kl).toBeLessThanOrEqual(10);
});

const k3 = (prob: number, refProb: number) => tokenLoss({ prob, refProb }).k3;

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
  { prob: 1e-30, refProb: 0.5, expected: 10 },
  { prob: 0, refProb: 0.5, expected: 10 },
  { prob: 0.5, refProb: 0, expected: 10 },
  { prob: 0.5, refProb: 0.5 * Math.exp(-8), expected: 7 + Math.exp(-8) },
  { prob: 0.05, refProb: 0.5, expected: 9 - Math.log(10) },
])(
  'k3 of a policy at $prob and a reference at $refProb is $expected, and never above 10',
  ({ prob, refProb, expected }) => {
    expect(k3(prob, refProb)).toBeCloseTo(expected, 10);
  },
);

test('a probability that is missing is an error, and none stands in for it', () => {
  const sample = { probs: [0.5, 0.5], oldProbs: [0.5, 0.5], refProbs: [0.5, 0.5], advantage: 1, weight: 1 };
  const loss = (given: object) => () => policyLoss([{ ...sample, ...given }], { clip, klCoefficient: 1 });
  expect(loss({})()).toBe(-2);
  expect(loss({ oldProbs: [0.5] })).toThrow('oldProbs has 1 numbers, expected one a token: 2');
  expect(loss({ refProbs: [0.5] })).toThrow('refProbs has 1 numbers, expected one a token: 2');
  expect(() => tokenInputs.refProb.of({ ...sample, refProbs: undefined }, { clip, klCoefficient: 1 })).toThrow(
    'the KL term needs the probabilities of the reference policy',
  );
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

test('with a dual clip the tokens that it stops are counted', () => {
  const sample = { probs: [0.8, 0.4], oldProbs: [0.2, 0.2], weight: 1 };
  const dual = (advantage: number) => policyMetrics([{ ...sample, advantage }], { clip: { ...clip, dual: 3 } });
  expect(dual(-1)).toMatchObject({ 'clip_ratio/dual_mean': 0.5 });
  expect(dual(1)).toMatchObject({ 'clip_ratio/dual_mean': 0 });
});

test('equal bits of sampler and trainer give a difference of exactly 0, underflowed probabilities too', () => {
  const sampled = [probabilities(7, 1), probabilities(4, 2), [0, 0.5]];
  expect(samplingLogpDifference(sampled.map((probs) => ({ oldProbs: probs, probs })))).toEqual({
    'sampling/sampling_logp_difference/mean': 0,
    'sampling/sampling_logp_difference/max': 0,
  });
  const { 'sampling/sampling_logp_difference/max': max } = samplingLogpDifference([
    { oldProbs: [0.5, 0.5], probs: [0.5, 0.25] },
  ]);
  expect(max).toBeCloseTo(Math.LN2, 12);
  const missing = samplingLogpDifference([{ oldProbs: [0.5, 0.5], probs: [0.5] }]);
  expect(missing['sampling/sampling_logp_difference/mean']).toBeNaN();
});
