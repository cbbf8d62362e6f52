import { describe, expect, test } from '@jest/globals';
import { estimateMemory, type MemoryDemand, totalOf } from '../../../trainer/engine/memory-estimate.ts';
import { adapters, smolLm2Config as config } from '../../support/random-model.ts';

const weights = 4 * 134_515_008;
const program = 500e6;

const nothing: MemoryDemand = {
  config,
  head: 'lm',
  workers: 1,
  runtime: 'ops',
  reference: false,
  sampledLength: 0,
  rewardModels: new Map(),
};
const step = (sequences: number, length: number, predicted: number, rowsPerSequence = 1) => ({
  sequences,
  size: { length, predicted },
  rowsPerSequence,
});
const scores = (rows: number, length: number) => 4 * 4 * 9 * rows * length ** 2;
const logits = (rows: number, predicted: number) => 2 * Math.min(64 * 2 ** 20, 4 * 49_152 * rows * predicted);
const kept = 4 * (9 * 64 + 3 * 64 + 3 * 64 + 9 * 64 + 9 + 576 + 1536 + 1536); // of one token in one layer
/** Between 30 layers, with 2 cotangents; keys and values. */
const streams = (tokens: number) => 4 * tokens * (33 * 576 + 2 * 3 * 64);
/** Of so many layers what they keep; the way back of the feed-forward layer, three times for gaps, and a heap. */
const activations = (layers: number, tokens: number) =>
  layers * tokens * kept + streams(tokens) + 3 * 4 * tokens * (4 * 1536 + 3 * 576) + 64 * 2 ** 20;
const unfused = (layers: number, tokens: number) => layers * tokens * kept + streams(tokens) + 3 * tokens * kept;
const embeddingRows = (tokens: number) => 4 * 576 * tokens;

// The formula of docs/pretrained-models.md.
describe.each([1, 2])('with %d workers', (workers) => {
  const training = 4 * weights; // weights, gradient, moments
  test.each<{ name: string; demand: Partial<MemoryDemand>; bytes: number }>([
    { name: 'a model', demand: {}, bytes: weights },
    { name: 'a model that each worker copies', demand: { runtime: 'stock' }, bytes: weights + workers * weights },
    {
      // per layer 16 × (in + out) of q, k, v, o and of the three maps of the feed-forward layer
      name: 'adapters, which alone have gradients, moments and a reference',
      demand: { config: { ...config, lora: adapters(16) }, reference: true, step: step(1, 1024, 1024) },
      bytes: weights + 5 * 4 * 4_884_480 + logits(1, 1024) + activations(26, 1024),
    },
    { name: 'the reference', demand: { reference: true }, bytes: 2 * weights },
    {
      // All but the 61 norms of 576.
      name: 'in bf16, a copy of the matrices of the model and of the reference',
      demand: { config: { ...config, precision: 'bf16' }, reference: true },
      bytes: 2 * (weights + 2 * (134_515_008 - 61 * 576)),
    },
    {
      name: 'weights packed for sampling, and keys and values',
      demand: { sampledLength: 64 },
      bytes: weights + 4 * (134_515_008 - 61 * 576) + workers * 64 * 64 * 2 * 30 * 3 * 64 * 4,
    },
    {
      name: 'in bf16, no such copy where each worker has one of its own',
      demand: { config: { ...config, precision: 'bf16' }, runtime: 'stock' },
      bytes: weights + workers * weights,
    },
    {
      name: 'a reward model',
      demand: { rewardModels: new Map([['judge', config]]) },
      bytes: weights + weights + 4 * 576,
    },
    {
      name: 'a reward model that each worker copies',
      demand: { runtime: 'stock', rewardModels: new Map([['judge', config]]) },
      bytes: (weights + weights + 4 * 576) * (1 + workers),
    },
    {
      name: 'keys and values of 64 sequences, up to 256 MiB',
      demand: { runtime: 'ffi', sampledLength: 20 },
      bytes: weights + workers * 64 * 20 * (2 * 30 * 3 * 64 * 4),
    },
    {
      name: 'in bf16 half of it for keys and values',
      demand: { config: { ...config, precision: 'bf16' }, runtime: 'ffi', sampledLength: 20 },
      bytes: weights + 2 * (134_515_008 - 61 * 576) + workers * 64 * 20 * (2 * 30 * 3 * 64 * 2),
    },
    {
      name: 'in bf16 all of it where a runtime takes float32 alone, and as many tokens as else',
      demand: { config: { ...config, precision: 'bf16' }, runtime: 'stock', sampledLength: 2000 },
      bytes: weights + workers * (weights + 2 * 256 * 2 ** 20),
    },
    {
      name: 'keys and values of long sequences',
      demand: { runtime: 'ffi', sampledLength: 2000 },
      bytes: weights + workers * 256 * 2 ** 20,
    },
    {
      name: 'one row, of which one worker has work, and all layers keep what they need',
      demand: { step: step(1, 512, 512) },
      bytes: training + logits(1, 512) + activations(30, 512) + embeddingRows(512),
    },
    {
      name: 'two rows, of which 25 layers keep what they need and the others share a place',
      demand: { step: step(2, 1024, 1024) },
      bytes: training + workers * (logits(1, 1024) + activations(26, 1024)) + embeddingRows(2048),
    },
    {
      name: 'attention scores, and what lies between ops, where there is no kernel',
      demand: { runtime: 'ffi', step: step(2, 1024, 1024) },
      bytes: training + workers * (logits(1, 1024) + scores(1, 1024) + unfused(26, 1024)) + embeddingRows(2048),
    },
    {
      name: 'copies of weights and gradients',
      demand: { runtime: 'stock', step: step(1, 1024, 1024) },
      bytes:
        training +
        workers * weights +
        2 * workers * 4 * 576 * 49_152 +
        scores(1, 1024) +
        logits(1, 1024) +
        unfused(26, 1024) +
        embeddingRows(1024),
    },
    {
      name: 'many rows, of which little is predicted',
      demand: { step: step(64, 256, 16) },
      bytes: training + workers * (logits(4, 16) + activations(26, 1024)) + embeddingRows(64 * 256),
    },
    {
      name: 'no more rows of the embedding than it has',
      demand: { step: step(512, 256, 16) },
      bytes: training + workers * (logits(4, 16) + activations(26, 1024)) + embeddingRows(49_152),
    },
    {
      name: 'rows that are longer than the model takes',
      demand: { step: step(1, 9999, 9999) },
      bytes: training + logits(1, 2048) + activations(13, 2048) + embeddingRows(2048),
    },
    {
      name: 'a pair',
      demand: { head: 'scalar', step: step(1, 1024, 0, 2) },
      bytes: training + 4 * 4 * 576 + activations(13, 2048) + embeddingRows(2048),
    },
  ])('counts $name', ({ demand, bytes }) => {
    expect(totalOf(estimateMemory({ ...nothing, workers, ...demand }))).toBe(bytes + program);
  });
});

/**
 * Peaks of two steps of two sequences of so many tokens, trained with SmolLM2-135M and the kernels: MiB of
 * `npm run bench -- lengths --model DIR --lengths 256,512,1024,2048 --rounds 1`, 2026-11-29, and of one step for the others
 * (`--lengths 768,896,1536 --workers 2 --rounds 0`).
 */
const peaks = {
  1: { 256: 2762, 512: 3031, 1024: 3129, 2048: 3287 },
  2: { 256: 2734, 512: 3135, 768: 3451, 896: 3533, 1024: 3829, 1536: 3767, 2048: 4202 },
} as const;

describe.each([1, 2] as const)('with %d workers', (workers) => {
  test.each(Object.entries(peaks[workers]))(
    'two sequences of %s tokens take no more than is estimated, and not a third less',
    (length, mebibytes) => {
      const demand = { ...nothing, workers, step: step(2, Number(length), Number(length)) };
      const ratio = totalOf(estimateMemory(demand)) / (mebibytes * 2 ** 20);
      expect(ratio).toBeGreaterThanOrEqual(1);
      expect(ratio).toBeLessThanOrEqual(1.35);
    },
  );
});
