import { afterAll, expect, test } from '@jest/globals';
import { DeviceBackend } from '../../../trainer/engine/device/device-backend.ts';
import { type DeviceDemand, estimateDeviceMemory } from '../../../trainer/engine/device-memory-estimate.ts';
import { type ModelConfig, parseHfConfig } from '../../../trainer/models/config.ts';
import { parameterLayout } from '../../../trainer/models/parameters.ts';
import { totalOf } from '../../../trainer/engine/memory-estimate.ts';
import type { LaneDevice } from '../../../trainer/runtime/choose-device.ts';
import { documentedTable } from '../../support/documented-table.ts';
import { fromFlat } from '../../support/flat-parameters.ts';
import { adapters, smolLm2Config, tinyConfig } from '../../support/random-model.ts';
import { flatParameters } from './tiny-engine.ts';

const step = { sequences: 64, size: { length: 1024, predicted: 512 }, rowsPerSequence: 1 };
const nothing: DeviceDemand = {
  config: smolLm2Config,
  head: 'lm',
  lanes: 1,
  reference: false,
  sampledLength: 0,
  rewardModels: new Map(),
};
const weights = 4 * 134_515_008;
const context = 1e9;
const least = (demand: Partial<DeviceDemand>) =>
  totalOf(estimateDeviceMemory({ ...nothing, ...demand }).filter(({ certain }) => certain));

test.each<{ name: string; demand: Partial<DeviceDemand>; bytes: number }>([
  { name: 'a model', demand: {}, bytes: weights },
  { name: 'a copy in bfloat16', demand: { config: { ...smolLm2Config, precision: 'bf16' } }, bytes: 1.5 * weights },
  { name: 'a reference', demand: { reference: true }, bytes: 2 * weights },
  { name: 'a step on one lane: four partial sums and all moments', demand: { step }, bytes: 7 * weights },
  {
    name: 'a step of one micro-batch: one sum',
    demand: { step: { ...step, sequences: 1 } },
    bytes: 4 * weights,
  },
  {
    name: 'a step on four lanes: two partial sums, a quarter of the moments, and a block of each of the others',
    demand: { step, lanes: 4 },
    bytes: 3 * weights + 2 * 4 * (134_515_008 - 24 * 2 ** 22) + 3 * 4 * 2 ** 22,
  },
  {
    name: 'adapters, which alone are trained',
    demand: { config: { ...smolLm2Config, lora: adapters(16) }, step, reference: true },
    bytes: weights + 8 * 4 * 4_884_480,
  },
])('of each device $name takes what it is made of', ({ demand, bytes }) => {
  expect(least(demand)).toBe(bytes + context);
});

const mib = 2 ** 20;
const scratchOf = (demand: Partial<DeviceDemand>) =>
  Object.fromEntries(
    estimateDeviceMemory({ ...nothing, ...demand })
      .filter(({ what }) => /^(products|cells)/.test(what))
      .map(({ what, bytes }) => [what, bytes]),
  );

test('kernels work in memory of their own: cuBLASLt in 32 MiB, in bf16 with both factors rounded, and cuDNN in cells', () => {
  const size = { length: 130, predicted: 10 };
  const one = { sequences: 1, size, rowsPerSequence: 1 };
  expect(scratchOf({ step: one })).toEqual({ products: 32 * mib });
  const config: ModelConfig = { ...smolLm2Config, precision: 'bf16' };
  const { intermediateSize, vocabularySize, heads, kvHeads, headDim } = config;
  expect(scratchOf({ config })).toEqual({ products: 32 * mib });
  expect(scratchOf({ config, step: one })).toEqual({
    products: 32 * mib + 2 * (130 * intermediateSize + 10 * vocabularySize),
    // 130 tokens fill two runs of 128 cells.
    "cells of cuDNN's attention": 256 * (headDim * (2 * (4 * heads + 4 * kvHeads) + 4 * heads) + 4 * heads),
  });
});

const backends: DeviceBackend[] = [];
afterAll(async () => {
  await Promise.all(backends.map(async (backend) => backend.close()));
});

test.each<{ lanes: number; config: ModelConfig }>([
  { lanes: 1, config: tinyConfig() },
  { lanes: 2, config: tinyConfig({ precision: 'bf16' }) },
  { lanes: 4, config: tinyConfig({ lora: adapters(4), precision: 'bf16' }) },
])('$lanes lanes hold no other weights, gradients and moments than are estimated', async ({ lanes, config }) => {
  const devices = Array.from({ length: lanes }, (): LaneDevice => ({ kind: 'host' }));
  const options = { config, head: 'lm', devices, optimizer: true } as const;
  const backend = await DeviceBackend.start({ ...options, onActivity: () => undefined });
  backends.push(backend);
  await backend.parameters.put('policy', fromFlat(parameterLayout(config, 'lm'), flatParameters(config, 'lm')));
  await backend.parameters.copy('policy', 'reference');
  const one = { sequences: 1, size: { length: 8, predicted: 4 }, rowsPerSequence: 1 };
  const parts = estimateDeviceMemory({ ...nothing, config, lanes, reference: true, step: one });
  const held = parts.filter(({ what, certain }) => certain && !/^(CUDA|blocks)/.test(what));
  const { mostBytes } = await backend.deviceUse();
  expect(Math.abs(mostBytes - totalOf(held))).toBeLessThan(16); // a part without a number takes a byte
});

const qwen = (hidden: number, intermediate: number, layers: number, heads: number, kvHeads: number, more = {}) =>
  parseHfConfig(
    {
      model_type: 'qwen2',
      hidden_act: 'silu',
      vocab_size: 151_936,
      hidden_size: hidden,
      intermediate_size: intermediate,
      num_hidden_layers: layers,
      num_attention_heads: heads,
      num_key_value_heads: kvHeads,
      tie_word_embeddings: true,
      max_position_embeddings: 32_768,
      ...more,
    },
    'test',
  );

/** The shapes of Qwen2.5, from the `config.json` of each. */
const models = {
  '0.5 B': qwen(896, 4864, 24, 14, 2),
  '1.5 B': qwen(1536, 8960, 28, 12, 2),
  '3 B': qwen(2048, 11_008, 36, 16, 2),
  '7 B': qwen(3584, 18_944, 28, 28, 4, { vocab_size: 152_064, tie_word_embeddings: false }),
};

/** grpo of 64 completions with a reference, half of the longest sequence a prompt. */
function gigabytes(config: ModelConfig, lanes: number, length: number): string {
  const size = { length, predicted: length / 2 };
  const demand = { ...nothing, config, lanes, reference: true, step: { ...step, size }, sampledLength: length };
  return String(Math.ceil(totalOf(estimateDeviceMemory(demand)) / 1e9));
}

test('the sizes in docs/gpu.md are those that a stage is refused by (R1_UPDATE_GOLDEN=1 writes them)', () => {
  const rows = Object.entries(models).flatMap(([name, shape]) =>
    (['f32', 'bf16'] as const).map((precision) => {
      const full = { ...shape, precision };
      const lora = { ...full, lora: adapters(16) };
      const cells = [full, lora].flatMap((config) =>
        [1, 4].flatMap((lanes) => [1024, 4096].map((length) => gigabytes(config, lanes, length))),
      );
      return [name, precision, ...cells];
    }),
  );
  expect(documentedTable('docs/gpu.md', '## How much memory', rows)).toEqual(rows);
});
