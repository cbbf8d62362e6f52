import { expect, test } from '@jest/globals';
import { InterruptedError } from '../../../trainer/contract/process/errors.ts';
import type { Engine, GenerationRequest, TrainingBatch } from '../../../trainer/engine/engine.ts';
import type { Head, ModelConfig } from '../../../trainer/models/config.ts';
import { adapters, tinyConfig, tokenIds } from '../../support/random-model.ts';
import { fromFlat, parametersOf } from '../../support/flat-parameters.ts';
import { pairBatch, requests, stepSettings, supervisedBatch, tinyEngine } from './tiny-engine.ts';

/**
 * On a device whose memory is the host's the same library computes, so that all must be equal to the bit. Steps here have one micro-batch: gradients of
 * several are added in another order than in worker threads (lanes.test.ts).
 */

const models: readonly [string, Partial<ModelConfig>][] = [
  ['qwen3, tied head', {}],
  ['qwen2 with bias, multi-head', { family: 'qwen2', kvHeads: 4 }],
  ['llama, untied head', { family: 'llama', tiedEmbeddings: false }],
  ['qwen3 with adapters', { lora: adapters(4) }],
  ['qwen3 in bf16', { precision: 'bf16' }],
  ['qwen2 with adapters in bf16', { family: 'qwen2', lora: adapters(4), precision: 'bf16' }],
];

interface Options {
  readonly changes?: Partial<ModelConfig>;
  readonly head?: Head;
}

/** The same engine in worker threads and on a device. */
async function both({ changes = {}, head = 'lm' }: Options = {}): Promise<readonly [threads: Engine, device: Engine]> {
  const options = { config: tinyConfig(changes), head, optimizer: true };
  return [await tinyEngine(options), await tinyEngine({ ...options, device: 'host' })];
}

async function stateOf(engine: Engine) {
  const { step, m, v } = await engine.optimizerState();
  return { step, m: m.slice(), v: v.slice(), parameters: await parametersOf(engine) };
}

test.each(models)('supervised steps move weights and moments as in worker threads: %s', async (_, changes) => {
  const [threads, device] = await both({ changes });
  for (let step = 0; step < 3; step++) {
    const batch = supervisedBatch(24 - step);
    expect(await device.step(batch, stepSettings)).toEqual(await threads.step(batch, stepSettings));
  }
  expect(await stateOf(device)).toEqual(await stateOf(threads));
});

test('so do preference steps, and scores are equal', async () => {
  const [threads, device] = await both({ head: 'scalar' });
  for (let step = 0; step < 3; step++) {
    expect(await device.step(pairBatch(20), stepSettings)).toEqual(await threads.step(pairBatch(20), stepSettings));
  }
  const sequences = Array.from({ length: 9 }, (_, index) => ({ ids: tokenIds(3 + index, 50, index) }));
  expect(await device.scores(sequences)).toEqual(await threads.scores(sequences));
});

test.each(models)(
  'sampling, scoring and training give the same bits, those of worker threads: %s',
  async (_, changes) => {
    const [threads, device] = await both({ changes });
    const prompts = requests(30, { temperature: 0.8 });
    // Twice: the fresh model and the one after a step, whose numbers are less tidy.
    for (let round = 0; round < 2; round++) {
      const completions = await device.generate(prompts);
      expect(completions).toEqual(await threads.generate(prompts));
      const sampled = completions.map(({ probs }) => probs);
      const sequences = completions.map(({ tokenIds: completionIds }, index) => ({
        promptIds: (prompts[index] as GenerationRequest).promptIds,
        completionIds,
      }));
      expect(await device.tokenProbabilities(sequences, { temperature: 0.8 })).toEqual(sampled);
      const entropies = await device.tokenEntropies(sequences, { temperature: 0.8 });
      expect(entropies).toEqual(await threads.tokenEntropies(sequences, { temperature: 0.8 }));
      const batch: TrainingBatch = {
        loss: 'policy',
        sequences: sequences.map((sequence, index) => ({
          ...sequence,
          oldProbs: sampled[index] as Float32Array,
          advantage: (index % 5) - 2,
          weight: 1 / 512,
        })),
        temperature: 0.8,
        settings: { clip: { low: 0.2, high: 0.2 }, klCoefficient: 0 },
      };
      const report = await device.step(batch, stepSettings);
      expect(report.probs).toEqual(sampled);
      expect(report).toEqual(await threads.step(batch, stepSettings));
    }
  },
);

test('greedy tokens, a nucleus and several temperatures are sampled as in worker threads', async () => {
  const [threads, device] = await both();
  const mixed = requests(12).map((request, index) => ({
    ...request,
    sampling: { ...request.sampling, temperature: [0, 0.7, 1][index % 3] as number, topP: index % 2 ? 0.8 : 1 },
  }));
  expect(await device.generate(mixed)).toEqual(await threads.generate(mixed));
});

test('a reference stays as it is while the policy learns, and can be written', async () => {
  const [, device] = await both({ changes: { lora: adapters(4) } });
  const sequences = [{ promptIds: tokenIds(4, 50), completionIds: tokenIds(9, 50, 3) }];
  const probabilities = async (set: string) => device.tokenProbabilities(sequences, { set, temperature: 1 });
  await device.copyParameters('policy', 'reference');
  const before = await probabilities('reference');
  await device.step(supervisedBatch(8), stepSettings);
  expect(await probabilities('reference')).toEqual(before);
  expect(await probabilities('policy')).not.toEqual(before);
  const kept = await parametersOf(device, 'reference');
  await device.copyParameters('policy', 'reference');
  expect(await probabilities('reference')).toEqual(await probabilities('policy'));
  const tensors = device.layout.tensors.filter(({ trained }) => trained);
  await device.writeTrainedParameters('reference', fromFlat({ tensors }, kept));
  expect(await probabilities('reference')).toEqual(before);
});

test('training goes on to the bit from saved parameters and optimizer state', async () => {
  const [threads, device] = await both();
  await threads.step(supervisedBatch(8), stepSettings);
  const saved = await stateOf(threads);
  await device.writeParameters('policy', fromFlat(device.layout, saved.parameters));
  await device.restoreOptimizer(saved.step, async ({ m, v }) => {
    m.set(saved.m);
    v.set(saved.v);
  });
  expect(await device.step(supervisedBatch(9), stepSettings)).toEqual(
    await threads.step(supervisedBatch(9), stepSettings),
  );
  expect(await stateOf(device)).toEqual(await stateOf(threads));
});

test('a stop rejects what runs, at once, and the last whole step can still be read', async () => {
  const stop = new AbortController();
  const engine = await tinyEngine({ optimizer: true, device: 'host', stop: stop.signal });
  await engine.step(supervisedBatch(8), stepSettings);
  const before = await stateOf(engine);
  const running = [engine.step(supervisedBatch(64), stepSettings), engine.generate(requests(60))];
  stop.abort();
  for (const call of running) await expect(call).rejects.toThrow(new InterruptedError('asked to stop'));
  expect(await stateOf(engine)).toEqual(before);
});

test('a set that there is not is named', async () => {
  const engine = await tinyEngine({ device: 'host' });
  const unknown = engine.tokenProbabilities([{ promptIds: [1], completionIds: [2] }], { set: 'other', temperature: 1 });
  await expect(unknown).rejects.toThrow('no parameter set other; there are policy');
  await expect(engine.step(supervisedBatch(2), stepSettings)).rejects.toThrow('created without an optimizer');
});
