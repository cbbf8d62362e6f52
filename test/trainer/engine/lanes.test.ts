import { expect, test } from '@jest/globals';
import { InterruptedError } from '../../../trainer/contract/process/errors.ts';
import { cutBatch } from '../../../trainer/engine/batches.ts';
import type { Engine } from '../../../trainer/engine/engine.ts';
import type { ModelConfig } from '../../../trainer/models/config.ts';
import { adapters, tinyConfig, tokenIds } from '../../support/random-model.ts';
import { fromFlat, parametersOf } from '../../support/flat-parameters.ts';
import { pairBatch, requests, stepSettings, supervisedBatch, tinyEngine } from './tiny-engine.ts';

const models: readonly [string, Partial<ModelConfig>][] = [
  ['qwen3, tied head', {}],
  ['llama, untied head', { family: 'llama', tiedEmbeddings: false }],
  ['qwen3 in bf16', { precision: 'bf16' }],
  ['qwen2 with adapters in bf16', { family: 'qwen2', lora: adapters(4), precision: 'bf16' }],
];

/** Of one micro-batch, and of more than a tree has leaves. */
const batches = [supervisedBatch(20), supervisedBatch(60), supervisedBatch(560)];

async function ofLanes(lanes: number, changes: Partial<ModelConfig> = {}): Promise<Engine> {
  return tinyEngine({ config: tinyConfig(changes), optimizer: true, device: 'host', lanes });
}

async function stateOf(engine: Engine) {
  const { step, m, v } = await engine.optimizerState();
  return { step, m: m.slice(), v: v.slice(), parameters: await parametersOf(engine) };
}

test('the steps here have fewer micro-batches than lanes, and more', () => {
  const counts = batches.map((batch) => cutBatch(batch, tinyConfig()).length);
  expect(counts[0]).toBe(1);
  expect(counts[1]).toBe(2);
  expect(counts[2]).toBeGreaterThan(8);
});

test.each(models)('losses, weights, moments and completions are those of one lane: %s', async (_, changes) => {
  const results = [];
  for (const lanes of [1, 2, 8]) {
    const engine = await ofLanes(lanes, changes);
    const reports = [];
    for (const batch of batches) reports.push(await engine.step(batch, stepSettings));
    const completions = await engine.generate(requests(40));
    results.push({ reports, completions, ...(await stateOf(engine)) });
  }
  const [one, ...others] = results;
  for (const other of others) expect(other).toEqual(one);
});

test('so are scores and the steps of pairs', async () => {
  const sequences = Array.from({ length: 90 }, (_, index) => ({ ids: tokenIds(3 + (index % 40), 50, index) }));
  const results = [];
  for (const lanes of [1, 4, 8]) {
    const engine = await tinyEngine({ head: 'scalar', optimizer: true, device: 'host', lanes });
    const report = await engine.step(pairBatch(90), stepSettings);
    results.push({ report, scores: await engine.scores(sequences), ...(await stateOf(engine)) });
  }
  const [one, ...others] = results;
  for (const other of others) expect(other).toEqual(one);
});

test('every lane has the parameters of the last step', async () => {
  const [one, four] = [await ofLanes(1), await ofLanes(4)];
  const sequences = Array.from({ length: 200 }, (_, index) => ({
    promptIds: tokenIds(4, 50, index),
    completionIds: tokenIds(30, 50, index + 1),
  }));
  for (const engine of [one, four]) await engine.step(supervisedBatch(60), stepSettings);
  // As many micro-batches as lanes, at least.
  const probabilities = async (engine: Engine) => engine.tokenProbabilities(sequences, { temperature: 1 });
  expect(await probabilities(four)).toEqual(await probabilities(one));
});

test('a step gives what it gives in worker threads, but for the rounding of sums', async () => {
  const [threads, device] = [await tinyEngine({ optimizer: true }), await ofLanes(4)];
  const batch = supervisedBatch(400);
  const [expected, found] = [await threads.step(batch, stepSettings), await device.step(batch, stepSettings)];
  expect(found.loss).toBe(expected.loss);
  expect(found.gradNorm / expected.gradNorm).toBeCloseTo(1, 5);
  const [of, to] = [await stateOf(device), await stateOf(threads)];
  const largest = Math.max(...to.m.map(Math.abs));
  expect(Math.max(...of.m.map((value, at) => Math.abs(value - (to.m[at] as number))))).toBeLessThan(1e-5 * largest);
});

test('training goes on to the bit with another number of lanes', async () => {
  const [four, two] = [await ofLanes(4), await ofLanes(2)];
  await four.step(supervisedBatch(60), stepSettings);
  const saved = await stateOf(four);
  await two.writeParameters('policy', fromFlat(two.layout, saved.parameters));
  await two.restoreOptimizer(saved.step, async ({ m, v }) => {
    m.set(saved.m);
    v.set(saved.v);
  });
  for (const batch of batches) {
    expect(await two.step(batch, stepSettings)).toEqual(await four.step(batch, stepSettings));
  }
  expect(await stateOf(two)).toEqual(await stateOf(four));
});

test('a stop ends the work of all lanes, and the last whole step can still be read', async () => {
  const stop = new AbortController();
  const engine = await tinyEngine({ optimizer: true, device: 'host', lanes: 2, stop: stop.signal });
  await engine.step(supervisedBatch(60), stepSettings);
  const before = await stateOf(engine);
  const running = [engine.step(supervisedBatch(400), stepSettings), engine.generate(requests(60))];
  stop.abort();
  for (const call of running) await expect(call).rejects.toThrow(new InterruptedError('asked to stop'));
  expect(await stateOf(engine)).toEqual(before);
});
