import { expect, test } from '@jest/globals';
import type { ModelConfig } from '../../../trainer/models/config.ts';
import { decodeBinding, decodePrograms } from '../../../trainer/models/programs.ts';
import { randomParameters, tinyConfig, tokenIds } from '../../support/random-model.ts';
import { unshared } from '../../support/packed.ts';
import { type Feeds, type Results, openProgram } from '../../support/run-program.ts';
import { gradientModel, nextTokenModel, probabilityModel } from '../../support/whole-model.ts';

// The promise: the probability that sampling reports for a token is, bit for bit, the one that training computes.
// Conditions: sessions of one thread, never a product with one row, masked keys inside the one softmax.

interface Case {
  readonly name: string;
  readonly config: ModelConfig;
  readonly rows: number;
  readonly length: number;
  /** Positions that come from the prefill program. */
  readonly prompt: number;
  readonly width: number;
  readonly batch: number;
}

const cases: Case[] = [
  { name: 'qwen3, grouped', config: tinyConfig(), rows: 2, length: 24, prompt: 0, width: 24, batch: 2 },
  { name: 'wider cache', config: tinyConfig(), rows: 3, length: 24, prompt: 5, width: 57, batch: 3 },
  { name: 'larger batch', config: tinyConfig(), rows: 2, length: 24, prompt: 5, width: 32, batch: 7 },
  {
    name: 'llama, one query head per key head',
    config: tinyConfig({ family: 'llama', kvHeads: 4, tiedEmbeddings: false }),
    rows: 2,
    length: 24,
    prompt: 7,
    width: 40,
    batch: 2,
  },
  {
    name: 'qwen2 with biases, all queries on one key head',
    config: tinyConfig({ family: 'qwen2', kvHeads: 1 }),
    rows: 2,
    length: 24,
    prompt: 3,
    width: 24,
    batch: 2,
  },
  {
    name: 'llama with every bias',
    config: tinyConfig({ family: 'llama', attentionBias: true, outputBias: true, mlpBias: true }),
    rows: 2,
    length: 24,
    prompt: 3,
    width: 24,
    batch: 2,
  },
  {
    name: 'sizes at which the runtime blocks the inner dimension',
    config: tinyConfig({
      hiddenSize: 320,
      heads: 6,
      kvHeads: 2,
      headDim: 64,
      intermediateSize: 700,
      vocabularySize: 515,
      initializerRange: 0.05,
    }),
    rows: 2,
    length: 140,
    prompt: 130,
    width: 300,
    batch: 3,
  },
];

test.each(cases)('decoding has the bits of training: $name', async (given) => {
  const { config, rows, length } = given;
  const parameters = randomParameters(config);
  const ids = tokenIds(rows * length, config.vocabularySize);
  const targets = ids.map((_, index) => ids[index + 1] ?? 0);
  const inverseTemperature = [1 / 0.8];
  const sequence = { ...parameters, ids, targets, ...unshared(rows, length) };
  const { prob } = await (await probabilityModel(config, rows, length))({ ...sequence, inverseTemperature });
  const ones = ids.map(() => 1);
  const training = await (
    await gradientModel(config, 'policy', rows, length)
  )({
    ...sequence,
    inverseTemperature,
    weight: ones,
    advantage: ones,
    oldProb: ones,
    refProb: ones,
    ratioLow: [0.8],
    ratioHigh: [1.2],
    dualClip: [3],
    klCoefficient: [0],
  });
  expect(training['prob']).toEqual(prob);

  const decoded = await decode(given, parameters, ids, targets, inverseTemperature);
  const [found, expected] = [new Map(decoded), new Map(decoded.map(([index]) => [index, prob?.[index]]))];
  expect(found).toEqual(expected);
});

/** Probability of each target, `[flat index, probability]`, from the prompt's last position on, decoded step by step. */
async function decode(
  { config, rows, length, prompt, width, batch }: Case,
  parameters: Feeds,
  ids: readonly number[],
  targets: readonly number[],
  inverseTemperature: readonly number[],
): Promise<[index: number, prob: number][]> {
  const { vocabularySize, kvHeads, headDim, layers } = config;
  const row = kvHeads * width * headDim; // one sequence of one layer's cache
  const caches = Array.from({ length: layers }, () => ({
    keys: new Float32Array(batch * row),
    values: new Float32Array(batch * row),
  }));
  const sequences = Array.from({ length: batch }, (_, index) => index % rows);
  const probs: [number, number][] = [];
  const collect = (all: Float32Array, position: number): void => {
    for (let sequence = 0; sequence < rows; sequence++) {
      const index = sequence * length + position;
      probs.push([index, all[sequence * vocabularySize + (targets[index] as number)] as number]);
    }
  };

  if (prompt > 0) {
    const prompts = sequences.flatMap((sequence) => ids.slice(sequence * length, sequence * length + prompt));
    const last = sequences.map((_, index) => index * prompt + prompt - 1);
    const feeds = { ...parameters, ids: prompts, last, inverseTemperature };
    const results = await (await nextTokenModel(config, batch, prompt))(feeds);
    for (const [layer, cache] of caches.entries()) {
      const [keys, values] = [results[`key.${layer}`] as Float32Array, results[`value.${layer}`] as Float32Array];
      for (let line = 0; line < batch * prompt * kvHeads; line++) {
        const [token, head] = [Math.floor(line / kvHeads), line % kvHeads];
        const [sequence, position] = [Math.floor(token / prompt), token % prompt];
        const to = ((sequence * kvHeads + head) * width + position) * headDim;
        cache.keys.set(keys.subarray(line * headDim, (line + 1) * headDim), to);
        cache.values.set(values.subarray(line * headDim, (line + 1) * headDim), to);
      }
    }
    collect(results['prob'] as Float32Array, prompt - 1);
  }

  const programs = decodePrograms(config, length);
  const [first, middle, last] = await Promise.all(
    [programs.first, programs.middle, programs.last].map((program) => openProgram(program)),
  );
  if (!first || !middle || !last) throw new Error('unreachable');
  const bound = (part: 'first' | 'middle' | 'last', layer: number): Feeds =>
    Object.fromEntries(
      Object.entries(decodeBinding(config, part, layer)).map(([role, name]) => [
        role,
        parameters[name] as Float32Array,
      ]),
    );
  const dimensions = { B: batch, W: width };

  for (let position = prompt; position < length; position++) {
    const step = {
      position: sequences.map(() => position),
      ids: sequences.map((sequence) => ids[sequence * length + position] as number),
    };
    const bias = Float32Array.from({ length: batch * width }, (_, index) => (index % width <= position ? 0 : -1e9));
    let results: Results = await first({ ...bound('first', 0), ...step }, dimensions);
    for (const [layer, cache] of caches.entries()) {
      for (let head = 0; head < batch * kvHeads; head++) {
        const block = [head * headDim, (head + 1) * headDim] as const;
        cache.keys.set((results['next.k'] as Float32Array).subarray(...block), (head * width + position) * headDim);
        cache.values.set((results['next.v'] as Float32Array).subarray(...block), (head * width + position) * headDim);
      }
      const part = layer < layers - 1 ? 'middle' : 'last';
      const state = { x: results['next.x'] as Float32Array, q: results['next.q'] as Float32Array, ...cache, bias };
      const run = part === 'middle' ? middle : last;
      results = await run({ ...bound(part, layer), ...state, ...step, inverseTemperature }, dimensions);
    }
    collect(results['prob'] as Float32Array, position);
  }
  return probs;
}
