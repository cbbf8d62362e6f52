import { describe, expect, test } from '@jest/globals';
import { estimateMemory, type MemoryDemand, totalOf } from '../../../trainer/engine/memory-estimate.ts';
import { adapters, smolLm2Config as config } from '../../support/random-model.ts';

const weights = 4 * 134_515_008;
const program = 500e6;

const nothing: MemoryDemand = {
  config,
  head: 'lm',
  workers: 1,
  copies: false,
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
const activations = (tokens: number) =>
  Math.min(512 * 2 ** 20, 30 * tokens * kept) + 31 * tokens * 4 * 576 + 3 * tokens * kept;

// The formula of docs/pretrained-models.md.
describe.each([1, 2])('with %d workers', (workers) => {
  const training = 4 * weights; // weights, gradient, moments
  test.each<{ name: string; demand: Partial<MemoryDemand>; bytes: number }>([
    { name: 'a model', demand: {}, bytes: weights },
    { name: 'a model that each worker copies', demand: { copies: true }, bytes: weights + workers * weights },
    {
      // per layer 16 × (in + out) of q, k, v, o and of the three maps of the feed-forward layer
      name: 'adapters, which alone have gradients, moments and a reference',
      demand: { config: { ...config, lora: adapters(16) }, reference: true, step: step(1, 1024, 1024) },
      bytes: weights + 5 * 4 * 4_884_480 + workers * (scores(1, 1024) + logits(1, 1024) + activations(1024)),
    },
    { name: 'the reference', demand: { reference: true }, bytes: 2 * weights },
    {
      // All but the 61 norms of 576.
      name: 'in bf16, a copy of the matrices of the model and of the reference',
      demand: { config: { ...config, precision: 'bf16' }, reference: true },
      bytes: 2 * (weights + 2 * (134_515_008 - 61 * 576)),
    },
    {
      name: 'in bf16, no such copy where each worker has one of its own',
      demand: { config: { ...config, precision: 'bf16' }, copies: true },
      bytes: weights + workers * weights,
    },
    {
      name: 'a reward model',
      demand: { rewardModels: new Map([['judge', config]]) },
      bytes: weights + weights + 4 * 576,
    },
    {
      name: 'a reward model that each worker copies',
      demand: { copies: true, rewardModels: new Map([['judge', config]]) },
      bytes: (weights + weights + 4 * 576) * (1 + workers),
    },
    {
      name: 'keys and values of 64 sequences, up to 256 MiB',
      demand: { sampledLength: 20 },
      bytes: weights + workers * 64 * 20 * (2 * 30 * 3 * 64 * 4),
    },
    {
      name: 'keys and values of long sequences',
      demand: { sampledLength: 2000 },
      bytes: weights + workers * 256 * 2 ** 20,
    },
    {
      name: 'one long row',
      demand: { step: step(1, 1024, 1024) },
      bytes: training + workers * (scores(1, 1024) + logits(1, 1024) + activations(1024)),
    },
    {
      name: 'copies of weights and gradients',
      demand: { copies: true, step: step(1, 1024, 1024) },
      bytes:
        training +
        workers * weights +
        2 * workers * 4 * 576 * 49_152 +
        workers * (scores(1, 1024) + logits(1, 1024) + activations(1024)),
    },
    {
      name: 'many rows, of which little is predicted',
      demand: { step: step(64, 256, 16) },
      bytes: training + workers * (scores(4, 256) + logits(4, 16) + activations(1024)),
    },
    {
      name: 'rows that are longer than the model takes',
      demand: { step: step(1, 9999, 9999) },
      bytes: training + workers * (scores(1, 2048) + logits(1, 2048) + activations(2048)),
    },
    {
      name: 'a pair',
      demand: { head: 'scalar', step: step(1, 1024, 0, 2) },
      bytes: training + 4 * 4 * 576 + workers * (scores(2, 1024) + activations(2048)),
    },
  ])('counts $name', ({ demand, bytes }) => {
    expect(totalOf(estimateMemory({ ...nothing, workers, ...demand }))).toBe(bytes + program);
  });
});
