import { expect, test } from '@jest/globals';
import { plainForm, policyLoss, type PolicyLossForm } from '../../../trainer/losses/policy-loss.ts';
import type { Family, ModelConfig } from '../../../trainer/models/config.ts';
import { headOf, type Loss } from '../../../trainer/models/programs.ts';
import { samples } from '../../support/gradient-check.ts';
import { randomParameters, tinyConfig, tokenIds } from '../../support/random-model.ts';
import { unshared } from '../../support/packed.ts';
import type { Feeds, Results } from '../../support/run-program.ts';
import { gradientModel, probabilityModel, scoreModel } from '../../support/whole-model.ts';

const config = tinyConfig();
const settings = {
  inverseTemperature: [1 / 0.9],
  ratioLow: [0.8],
  ratioHigh: [1.28],
  dualClip: [3],
  klCoefficient: [0.5],
};

/** Inputs of every loss for some rows; a third of the positions is not trained. */
function batch(rows: number, length: number): Record<string, number[]> {
  const tokens = rows * length;
  const wave = (seed: number, mean: number, spread: number): number[] =>
    Array.from(samples(tokens, seed), (value) => mean + spread * value);
  const weight = wave(3, 0.02, 0.01).map((value, index) => (index % 3 === 2 ? 0 : value));
  return {
    ids: tokenIds(tokens, config.vocabularySize),
    ...unshared(rows, length),
    targets: tokenIds(tokens, config.vocabularySize, 3),
    weight,
    advantage: wave(5, 0, 1),
    ...settings,
  };
}

/** A batch of the policy loss whose ratios lie between 0.5 and 1.5, so that some tokens are clipped. */
async function policyBatch(rows: number, length: number, parameters: Feeds): Promise<Record<string, number[]>> {
  const feeds = batch(rows, length);
  const prob = [...(await (await probabilityModel(config, rows, length))({ ...parameters, ...feeds })).prob!];
  const scaled = (seed: number): number[] => prob.map((p, index) => p * (1 + 0.5 * samples(prob.length, seed)[index]!));
  return { ...feeds, oldProb: scaled(7), refProb: scaled(8) };
}

/**
 * A batch of the policy loss on both sides of every bound: ratios below, within and above the clips, k3 below and above 10.
 * None is so near to one that a small step crosses it.
 */
async function offPolicyBatch(model: ModelConfig, rows: number, length: number, parameters: Feeds) {
  const feeds = batch(rows, length);
  const { prob } = await (await probabilityModel(model, rows, length))({ ...parameters, ...feeds });
  const turns = (factors: readonly number[]) => [...prob!].map((p, index) => p * factors[index % factors.length]!);
  return { ...feeds, oldProb: turns([2, 1, 0.5, 0.15]), refProb: turns([0.3, 1, 2, 60, 1]) };
}

const withKl = (estimator: 'k1' | 'k2' | 'k3', biasCorrection: boolean): PolicyLossForm => ({
  surrogate: 'clipped',
  kl: { estimator, biasCorrection },
  entropy: false,
});

test.each<[Family, Loss, PolicyLossForm | undefined]>([
  ['llama', 'policy', undefined],
  ['qwen2', 'sft', undefined],
  ['qwen2', 'policy', undefined],
  ['qwen3', 'sft', undefined],
  ['qwen3', 'policy', undefined],
  ['qwen3', 'pairwise', undefined],
  ['qwen3', 'pointwise', undefined],
  ['qwen3', 'policy', withKl('k1', false)],
  ['qwen3', 'policy', withKl('k2', false)],
  ['qwen3', 'policy', withKl('k1', true)],
  ['qwen3', 'policy', withKl('k2', true)],
  ['qwen3', 'policy', withKl('k3', true)],
])('%s, %s, %j: loss and gradient of every parameter agree with finite differences', async (family, loss, form) => {
  const model = tinyConfig({ family, vocabularySize: config.vocabularySize });
  const [rows, length] = loss === 'sft' ? [2, 64] : [2, 12];
  const parameters = randomParameters(model, headOf[loss]);
  const feeds =
    headOf[loss] === 'scalar'
      ? { ids: tokenIds(rows * length, 50), last: [length - 1, 2 * length - 4], ...scoreInputs[loss as ScoreLoss] }
      : await offPolicyBatch(model, rows, length, parameters);
  const run = await gradientModel(model, loss, rows, length, form);
  const results = await run({ ...parameters, ...feeds });
  expect(results['loss']![0]).toBeCloseTo(lossOf[loss](results, feeds, form), 4);

  // Along each parameter's own gradient the slope is the gradient's norm.
  for (const [name, values] of Object.entries(parameters)) {
    const grad = results[`grad.${name}`]!;
    const norm = Math.hypot(...grad);
    const at = async (step: number): Promise<number> => {
      const moved = values.map((value, index) => value + (step * grad[index]!) / norm);
      return lossOf[loss](await run({ ...parameters, ...feeds, [name]: moved }), feeds, form);
    };
    const coarse = ((await at(0.01)) - (await at(-0.01))) / 0.02;
    const fine = ((await at(0.005)) - (await at(-0.005))) / 0.01;
    const numeric = (4 * fine - coarse) / 3; // Richardson: the error of second order cancels
    expect({ name, norm, ratio: numeric / norm, ok: Math.abs(numeric / norm - 1) < 1e-3 }).toMatchObject({ ok: true });
  }
});

test('on-policy the ratio is exactly 1, the loss is the mean advantage, and yet there is a gradient', async () => {
  const [rows, length] = [2, 12];
  const parameters = randomParameters(config);
  const feeds = await policyBatch(rows, length, parameters);
  const { prob } = await (await probabilityModel(config, rows, length))({ ...parameters, ...feeds });
  const onPolicy = { ...parameters, ...feeds, oldProb: prob!, refProb: prob! };
  const run = await gradientModel(config, 'policy', rows, length);

  const results = await run(onPolicy);
  expect(results['prob']).toEqual(prob);
  const expected = feeds['weight']!.reduce((total, weight, index) => total - weight * feeds['advantage']![index]!, 0);
  expect(results['loss']![0]).toBeCloseTo(expected, 6);
  expect(gradNorm(results)).toBeGreaterThan(0.1);

  // k3 has its minimum at equality: a huge coefficient changes no bit of loss or gradient.
  expect(await run({ ...onPolicy, klCoefficient: [1000] })).toEqual(await run({ ...onPolicy, klCoefficient: [0] }));
  const zeroAdvantage = await run({ ...onPolicy, klCoefficient: [1000], advantage: feeds['advantage']!.map(() => 0) });
  expect(gradNorm(zeroAdvantage)).toBe(0);
});

test('tokens clipped against their advantage have no gradient', async () => {
  const [rows, length] = [2, 6];
  const parameters = randomParameters(config);
  const feeds = batch(rows, length);
  const { prob } = await (await probabilityModel(config, rows, length))({ ...parameters, ...feeds });
  const run = await gradientModel(config, 'policy', rows, length);
  const at = async (ratio: number, advantage: number): Promise<number> => {
    const oldProb = prob!.map((p) => p / ratio);
    const everywhere = feeds['ids']!.map(() => advantage);
    return gradNorm(
      await run({ ...parameters, ...feeds, klCoefficient: [0], oldProb, refProb: oldProb, advantage: everywhere }),
    );
  };
  expect(await at(1.5, 1)).toBe(0);
  expect(await at(0.5, -1)).toBe(0);
  expect(await at(1.5, -1)).toBeGreaterThan(0);
  expect(await at(0.5, 1)).toBeGreaterThan(0);
});

test.each([
  { name: 'beyond a log-ratio of 20', oldProb: 1e-12, refProb: 0.1, advantage: -1 },
  { name: 'beyond the dual clip', oldProb: 0.001, refProb: 0.02, advantage: -1, dualClip: 3, klCoefficient: 0 },
  { name: 'beyond a k3 of 10', oldProb: 0.02, refProb: 0.9, advantage: 0 },
  { name: 'far below the reference', oldProb: 0.02, refProb: 0, advantage: 0 },
])('$name loss is the bound, and there is no gradient', async ({ oldProb, refProb, advantage, ...bounds }) => {
  const [rows, length] = [2, 6];
  const parameters = randomParameters(config);
  const given = batch(rows, length);
  const everywhere = (value: number) => given['ids']!.map(() => value);
  const { dualClip = 3e38, klCoefficient = 1 } = bounds;
  const feeds = {
    ...given,
    oldProb: everywhere(oldProb),
    refProb: everywhere(refProb),
    advantage: everywhere(advantage),
    dualClip: [dualClip],
    klCoefficient: [klCoefficient],
  };
  const results = await (await gradientModel(config, 'policy', rows, length))({ ...parameters, ...feeds });
  expect(results['loss']![0]! / lossOf.policy(results, feeds)).toBeCloseTo(1, 5);
  expect(Object.values(results).every((values) => values.every(Number.isFinite))).toBe(true);
});

test.each<Loss>(['sft', 'policy'])(
  '%s: the length of the padding and what stands there change nothing',
  async (loss) => {
    const [rows, length] = [2, 10];
    const parameters = randomParameters(config);
    const feeds = await policyBatch(rows, length, parameters);
    const short = await (await gradientModel(config, loss, rows, length))({ ...parameters, ...feeds });
    for (const padded of [64, 128]) {
      const cells = feeds['picked']!.map((cell) => Math.floor(cell / length) * padded + (cell % length));
      const onGrid = (values: number[], padding: number): number[] => {
        const grid = Array.from({ length: rows * padded }, () => padding);
        for (const [index, cell] of cells.entries()) grid[cell] = values[index]!;
        return grid;
      };
      const long = { ...feeds, places: onGrid(feeds['places']!, 7), origins: cells };
      const results = await (await gradientModel(config, loss, rows, padded))({ ...parameters, ...long });
      expect(gradDifference(results, short)).toBeLessThan(1e-6);
      expect(Math.abs(results['loss']![0]! - short['loss']![0]!)).toBeLessThan(1e-6);
      expect(results['prob']).toEqual(short['prob']);
    }
  },
);

test('the gradient of a batch is the sum over its micro-batches', async () => {
  const [rows, length] = [8, 6];
  const parameters = randomParameters(config);
  const feeds = await policyBatch(rows, length, parameters);
  const whole = await (await gradientModel(config, 'policy', rows, length))({ ...parameters, ...feeds });
  for (const part of [1, 2, 4]) {
    const run = await gradientModel(config, 'policy', part, length);
    const sum: Record<string, Float32Array> = {};
    for (let row = 0; row < rows; row += part) {
      const slices = Object.entries(feeds).map(([name, data]) => [
        name,
        data.length > 1 ? data.slice(row * length, (row + part) * length) : data,
      ]);
      const own = { ...Object.fromEntries(slices), ...unshared(part, length) };
      for (const [name, values] of Object.entries(await run({ ...parameters, ...own }))) {
        sum[name] = sum[name]?.map((value, index) => value + values[index]!) ?? values;
      }
    }
    expect(gradDifference(sum, whole)).toBeLessThan(1e-6);
    expect(Math.abs(sum['loss']![0]! / whole['loss']![0]! - 1)).toBeLessThan(1e-6);
  }
});

test('Bradley–Terry: ln 2 at equal scores, and a shift of all scores changes nothing', async () => {
  const [rows, length] = [2, 5];
  const parameters = randomParameters(config, 'scalar');
  const sequence = tokenIds(length, config.vocabularySize);
  const equal = {
    ids: [...sequence, ...sequence],
    last: [length - 1, 2 * length - 1],
    weight: [1],
    margin: [0],
    centering: [0],
  };
  const run = await gradientModel(config, 'pairwise', rows, length);
  const results = await run({ ...parameters, ...equal });
  expect(results['loss']![0]).toBeCloseTo(Math.LN2, 7);
  expect(gradNorm(results)).toBeLessThan(1e-6); // both sequences pull the same weights in opposite directions

  const ids = tokenIds(rows * length, config.vocabularySize);
  const { score, loss } = await run({ ...parameters, ...equal, ids });
  const [chosen, rejected] = score as unknown as [number, number];
  expect(loss![0]).toBeCloseTo(Math.log1p(Math.exp(rejected - chosen)), 6);
  expect(await (await scoreModel(config, rows, length))({ ...parameters, ...equal, ids })).toMatchObject({ score });
});

type ScoreLoss = 'pairwise' | 'pointwise';

/** What losses of scores are given, for a pair and for two responses. */
const scoreInputs: Record<ScoreLoss, Record<string, number[]>> = {
  pairwise: { weight: [0.7], margin: [0.4], centering: [0.2] },
  pointwise: { weight: [0.7, 0.3], against: [-1, 1] },
};

/** The losses in float64, from the probabilities or scores of a program. */
const lossOf: Record<Loss, (results: Results, feeds: Record<string, number[]>, form?: PolicyLossForm) => number> = {
  sft: ({ prob }, { weight }) => weight!.reduce((total, w, index) => total - w * Math.log(prob![index]!), 0),
  policy: ({ prob }, feeds, form = plainForm) => {
    const [low, high, dual, klCoefficient] = ['ratioLow', 'ratioHigh', 'dualClip', 'klCoefficient'].map(
      (name) => feeds[name]![0]!,
    ) as [number, number, number, number];
    const trained = [...prob!].map((p, index) => ({
      probs: [p],
      oldProbs: [feeds['oldProb']![index]!],
      refProbs: [feeds['refProb']![index]!],
      advantage: feeds['advantage']![index]!,
      weight: feeds['weight']![index]!,
    }));
    return policyLoss(trained, { clip: { low: 1 - low, high: high - 1, dual }, klCoefficient, form });
  },
  pairwise: ({ score }, { weight, margin, centering }) =>
    weight!.reduce((total, w, pair) => {
      const [chosen, rejected] = [score![2 * pair]!, score![2 * pair + 1]!];
      const ofPair = Math.log1p(Math.exp(rejected - chosen + margin![pair]!));
      return total + w * (ofPair + centering![0]! * (chosen + rejected) ** 2);
    }, 0),
  pointwise: ({ score }, { weight, against }) =>
    weight!.reduce((total, w, at) => total + w * Math.log1p(Math.exp(against![at]! * score![at]!)), 0),
};

function gradients(results: Results): [string, Float32Array][] {
  return Object.entries(results).filter(([name]) => name.startsWith('grad.'));
}

function gradNorm(results: Results): number {
  return Math.hypot(...gradients(results).map(([, values]) => Math.hypot(...values)));
}

/** `‖a − b‖ ÷ ‖b‖` of the gradients of all parameters. */
function gradDifference(a: Results, b: Results): number {
  const distances = gradients(b).map(([name, values]) =>
    Math.hypot(...values.map((value, index) => value - a[name]![index]!)),
  );
  return Math.hypot(...distances) / gradNorm(b);
}
