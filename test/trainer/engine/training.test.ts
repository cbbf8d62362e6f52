import { expect, test } from '@jest/globals';
import { DivergedError } from '../../../trainer/contract/process/errors.ts';
import type { Engine, TrainingBatch } from '../../../trainer/engine/engine.ts';
import { tinyConfig, tokenIds } from '../../support/random-model.ts';
import { flatParameters, pairBatch, stepSettings, supervisedBatch, tinyEngine } from './tiny-engine.ts';
import { fromFlat, parametersOf } from '../../support/flat-parameters.ts';

test('the number of workers changes no bit of several steps', async () => {
  const results = await Promise.all(
    [1, 2, 3].map(async (workers) => {
      const engine = await tinyEngine({ workers, optimizer: true });
      const reports = [];
      for (let step = 0; step < 3; step++) reports.push(await engine.step(supervisedBatch(40), stepSettings));
      return { reports, parameters: await parametersOf(engine), state: await engine.optimizerState() };
    }),
  );
  expect(results[1]).toEqual(results[0]);
  expect(results[2]).toEqual(results[0]);
});

test('supervised steps lower the loss', async () => {
  const engine = await tinyEngine({ optimizer: true });
  const losses = await train(engine, supervisedBatch(8), 20);
  expect(losses.at(-1)).toBeLessThan(0.5 * (losses[0] as number));
});

test('preference steps lower the loss and rank the chosen higher', async () => {
  const engine = await tinyEngine({ head: 'scalar', optimizer: true });
  const batch = pairBatch(6) as Extract<TrainingBatch, { loss: 'pairwise' }>;
  const losses = await train(engine, batch, 20);
  expect(losses.at(-1)).toBeLessThan(0.1 * (losses[0] as number));
  const { scores } = await engine.step(batch, { ...stepSettings, learningRate: 0 });
  expect(scores.every(([chosen, rejected]) => chosen > rejected)).toBe(true);
});

test('scores are those of the training step, whatever runs beside them', async () => {
  const engine = await tinyEngine({ head: 'scalar', optimizer: true, workers: 2 });
  const batch = pairBatch(9) as Extract<TrainingBatch, { loss: 'pairwise' }>;
  const { scores } = await engine.step(batch, { ...stepSettings, learningRate: 0, weightDecay: 0 });
  const alone = await Promise.all(batch.pairs.map(async ({ chosen }) => engine.scores([{ ids: chosen }])));
  expect(alone.flat()).toEqual(scores.map(([chosen]) => chosen));
  expect(await engine.scores(batch.pairs.map(({ rejected }) => ({ ids: rejected })))).toEqual(
    scores.map(([, rejected]) => rejected),
  );
});

test('a step reports probabilities of the trained tokens and of the most likely ones', async () => {
  const engine = await tinyEngine({ optimizer: true });
  const batch = supervisedBatch(5) as Extract<TrainingBatch, { loss: 'sft' }>;
  const { probs, top, loss } = await engine.step(batch, stepSettings);
  const trained = batch.sequences.map(({ weights }) => weights.filter((weight) => weight !== 0));
  expect(probs.map(({ length }) => length)).toEqual(trained.map(({ length }) => length));
  let expected = 0;
  for (const [index, row] of probs.entries()) {
    for (const [t, p] of row.entries()) {
      expect(top[index]?.[t]).toBeGreaterThanOrEqual(p);
      expected -= (trained[index]?.[t] as number) * Math.log(p);
    }
  }
  expect(loss).toBeCloseTo(expected, 5);
});

test('training goes on to the bit from saved parameters and optimizer state', async () => {
  const uninterrupted = await tinyEngine({ optimizer: true });
  await train(uninterrupted, supervisedBatch(8), 2);
  const { step, m, v } = await uninterrupted.optimizerState();
  const saved = { parameters: await parametersOf(uninterrupted), state: { step, m: m.slice(), v: v.slice() } };
  const expected = await train(uninterrupted, supervisedBatch(8), 3);

  const resumed = await tinyEngine({ optimizer: true });
  await resumed.writeParameters('policy', fromFlat(resumed.layout, saved.parameters));
  await resumed.restoreOptimizer(saved.state.step, async (moments) => {
    moments.m.set(saved.state.m);
    moments.v.set(saved.state.v);
  });
  expect(await train(resumed, supervisedBatch(8), 3)).toEqual(expected);
  expect(await parametersOf(resumed)).toEqual(await parametersOf(uninterrupted));
});

test('a learning rate of 0 changes nothing', async () => {
  const engine = await tinyEngine({ optimizer: true });
  const before = await parametersOf(engine);
  await train(engine, supervisedBatch(8), 1, 0);
  expect(await parametersOf(engine)).toEqual(before);
});

test('a loss that is not a number is reported before it reaches the parameters', async () => {
  const config = tinyConfig();
  const engine = await tinyEngine({ config, optimizer: true });
  const spoilt = flatParameters(config, 'lm');
  spoilt[spoilt.length - 1] = NaN;
  await engine.writeParameters('policy', fromFlat(engine.layout, spoilt));
  const step = engine.step(supervisedBatch(2), stepSettings);
  await expect(step).rejects.toThrow(DivergedError);
  await expect(step).rejects.toThrow('optimizer step 1: the sft loss is NaN');
  expect(engine.steps).toBe(0);
  expect(await parametersOf(engine)).toEqual(spoilt);
});

test('a reference stays as it is while the policy learns', async () => {
  const engine = await tinyEngine({ optimizer: true, workers: 2 });
  const sequences = [{ promptIds: tokenIds(4, 50), completionIds: tokenIds(9, 50, 3) }];
  const probabilities = async (set: string) => engine.tokenProbabilities(sequences, { set, temperature: 1 });
  await engine.copyParameters('policy', 'reference');
  const before = await probabilities('reference');
  await train(engine, supervisedBatch(8), 2);
  expect(await probabilities('reference')).toEqual(before);
  expect(await probabilities('policy')).not.toEqual(before);
  await engine.copyParameters('policy', 'reference');
  expect(await probabilities('reference')).toEqual(await probabilities('policy'));
});

async function train(engine: Engine, batch: TrainingBatch, steps: number, learningRate = 0.01): Promise<number[]> {
  const losses: number[] = [];
  for (let step = 0; step < steps; step++)
    losses.push((await engine.step(batch, { ...stepSettings, learningRate })).loss);
  return losses;
}
