/**
 * Computes with tiny models on devices (R1_DEVICE: cuda, or host to try this program) and on processors: a JSON line a model says by how much they
 * differ. Ends with 1 where that is too much. Run by test/gpu/main.ts; an argument names one model.
 */
import { randomKey } from '../../trainer/algorithms/random.ts';
import type { TrainingBatch } from '../../trainer/engine/engine.ts';
import { Engine } from '../../trainer/engine/engine.ts';
import type { ModelConfig } from '../../trainer/models/config.ts';
import { parameterLayout } from '../../trainer/models/parameters.ts';
import { adapters, randomParameters, tinyConfig, tokenIds } from '../support/random-model.ts';

/** Largest differences: of a log-probability in nats; of loss, gradient norm and first moments, as a share of the largest. */
const rounding = { f32: 1e-3, bf16: 0.05 } as const;

const models: Readonly<Record<string, ModelConfig>> = {
  'qwen2 f32': tinyConfig({ family: 'qwen2' }),
  'qwen3 f32': tinyConfig(),
  'qwen3 f32 lora': tinyConfig({ lora: adapters(4) }),
  'llama bf16': tinyConfig({ family: 'llama', tiedEmbeddings: false, precision: 'bf16' }),
};

const [, , only] = process.argv;
for (const [name, config] of Object.entries(models)) {
  if (only !== undefined && only !== name) continue;
  // oxlint-disable-next-line no-await-in-loop -- one after the other on a device
  const differences = await compare(config);
  const limit = rounding[config.precision ?? 'f32'];
  const failed = Object.entries(differences).filter(([, value]) =>
    typeof value === 'number' ? !(value <= limit) : !value,
  );
  console.log(JSON.stringify({ name, limit, ...differences, failed: failed.map(([what]) => what) }));
  if (failed.length > 0) process.exitCode = 1;
}

async function compare(config: ModelConfig) {
  const [device, again, processors] = [await follow(config), await follow(config), await follow(config, 'cpu')];
  const logProbs = device.scored.flatMap((ofDevice, at) =>
    [...ofDevice].map((prob, token) => Math.abs(Math.log(prob / (processors.scored[at]?.[token] ?? NaN)))),
  );
  return {
    sampledIsTrained: equal(device.sampled, device.ownProbs),
    sameBitsAgain:
      equal([device.moments], [again.moments]) &&
      equal(device.scored, again.scored) &&
      device.supervised.gradNorm === again.supervised.gradNorm,
    logProbs: Math.max(...logProbs),
    loss: share(device.loss, processors.loss),
    // By cuDNN's attention, where there is one and the model is in bf16.
    supervisedLoss: share(device.supervised.loss, processors.supervised.loss),
    supervisedNorm: share(device.supervised.gradNorm, processors.supervised.gradNorm),
    gradientNorm: share(device.gradNorm, processors.gradNorm),
    moments: furthest(device.moments, processors.moments) / largest(processors.moments),
  };
}

/** Samples, scores what the seed gives and trains a step on it. Completions of the two sides may differ: what is scored and trained is fixed. */
async function follow(config: ModelConfig, place = process.env['R1_DEVICE'] ?? 'cuda') {
  const asked = process.env['R1_DEVICE'];
  process.env['R1_DEVICE'] = place;
  const named = randomParameters(config);
  const { tensors } = parameterLayout(config, 'lm');
  const engine = await Engine.create({
    config,
    head: 'lm',
    workers: 1,
    optimizer: true,
    parameters: async (memoryOf) => {
      // oxlint-disable-next-line no-await-in-loop -- a tensor at a time
      for (const tensor of tensors) (await memoryOf(tensor)).set(named[tensor.name] as Float32Array);
    },
  });
  try {
    const requests = Array.from({ length: 12 }, (_, index) => ({
      promptIds: tokenIds(3 + 5 * index, config.vocabularySize, index >> 1),
      key: randomKey('gpu', index),
      sampling: { temperature: 1, topP: 1, topK: 0, maxNewTokens: 24 },
      stopIds: [],
    }));
    const completions = await engine.generate(requests);
    const own = requests.map(({ promptIds }, at) => ({ promptIds, completionIds: completions[at]?.tokenIds ?? [] }));
    const ownProbs = await engine.tokenProbabilities(own, { temperature: 1 });
    const fixed = requests.map(({ promptIds }, at) => ({
      promptIds,
      completionIds: tokenIds(24, config.vocabularySize, 99 + at),
    }));
    const scored = await engine.tokenProbabilities(fixed, { temperature: 1 });
    const batch: TrainingBatch = {
      loss: 'policy',
      temperature: 1,
      settings: { clip: { low: 0.2, high: 0.2 }, klCoefficient: 0 },
      sequences: fixed.map((sequence, at) => ({
        ...sequence,
        oldProbs: scored[at] as Float32Array,
        advantage: (at % 3) - 1,
        weight: 0.01,
      })),
    };
    const optimizer = {
      learningRate: 1e-3,
      betas: [0.9, 0.95],
      epsilon: 1e-8,
      weightDecay: 0,
      maxGradNorm: 1,
    } as const;
    const { loss, gradNorm } = await engine.step(batch, optimizer);
    const { m } = await engine.optimizerState();
    const moments = m.slice();
    const supervised = await engine.step(
      {
        loss: 'sft',
        sequences: fixed.map(({ promptIds, completionIds }) => {
          const ids = [...promptIds, ...completionIds];
          return { ids, weights: ids.slice(1).map(() => 0.01) };
        }),
      },
      optimizer,
    );
    const sampled = completions.map(({ probs }) => probs);
    return { sampled, ownProbs, scored, loss, gradNorm, moments, supervised };
  } finally {
    await engine.close();
    if (asked === undefined) delete process.env['R1_DEVICE'];
    else process.env['R1_DEVICE'] = asked;
  }
}

function equal(some: readonly Float32Array[], others: readonly Float32Array[]): boolean {
  return some.length === others.length && some.every((numbers, at) => furthest(numbers, others[at]) === 0);
}

function furthest(some: Float32Array, others: Float32Array = new Float32Array()): number {
  if (some.length !== others.length) return Infinity;
  return some.reduce((most, value, at) => Math.max(most, Math.abs(value - (others[at] as number))), 0);
}

function largest(numbers: Float32Array): number {
  return numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

function share(value: number, expected: number): number {
  return Math.abs(value - expected) / Math.max(1e-6, Math.abs(expected));
}
