import { expect, test } from '@jest/globals';
import type { Engine, TrainingBatch } from '../../../trainer/engine/engine.ts';
import type { ModelConfig } from '../../../trainer/models/config.ts';
import { tinyConfig } from '../../support/random-model.ts';
import { requests, stepSettings, tinyEngine } from './tiny-engine.ts';

const models: readonly [string, Partial<ModelConfig>][] = [
  ['qwen3, two query heads a key head', {}],
  ['qwen3, multi-head', { kvHeads: 4 }],
  ['qwen3, one key head, odd sizes', { kvHeads: 1, headDim: 12, hiddenSize: 40, intermediateSize: 56 }],
  ['qwen2 with bias', { family: 'qwen2' }],
  ['qwen2, multi-head', { family: 'qwen2', kvHeads: 4 }],
  ['llama, untied head', { family: 'llama', tiedEmbeddings: false }],
  ['llama, multi-head, wide', { family: 'llama', hiddenSize: 64, kvHeads: 4, headDim: 16, vocabularySize: 101 }],
];

test.each(models)('sampling, scoring and training give the same bits: %s', async (_, changes) => {
  const temperature = 0.8;
  const config = tinyConfig(changes);
  const engine = await tinyEngine({ config, optimizer: true });
  // Twice: the fresh model and the one after a step, whose numbers are less tidy.
  for (let round = 0; round < 2; round++) {
    const { sequences, sampled } = await rollout(engine, temperature);
    expect(await engine.tokenProbabilities(sequences, { temperature })).toEqual(sampled);
    const { probs } = await engine.step(policyBatch(sequences, sampled, temperature), stepSettings);
    expect(probs).toEqual(sampled);
  }
});

test('with equal bits the ratio is exactly 1: the loss is minus the weighted advantages', async () => {
  const engine = await tinyEngine({ optimizer: true });
  const { sequences, sampled } = await rollout(engine, 1);
  const batch = policyBatch(sequences, sampled, 1);
  const { loss } = await engine.step(batch, stepSettings);
  const expected = batch.sequences.reduce(
    (sum, { completionIds, advantage, weight }) => sum - completionIds.length * Math.fround(weight) * advantage,
    0,
  );
  expect(loss).toBeCloseTo(expected, 6);
});

async function rollout(engine: Engine, temperature: number) {
  const prompts = requests(30, { temperature });
  const completions = await engine.generate(prompts);
  return {
    sampled: completions.map(({ probs }) => probs),
    sequences: completions.map(({ tokenIds }, index) => ({
      promptIds: prompts[index]?.promptIds ?? [],
      completionIds: tokenIds,
    })),
  };
}

type PolicyBatch = Extract<TrainingBatch, { loss: 'policy' }>;

function policyBatch(
  sequences: readonly { promptIds: readonly number[]; completionIds: readonly number[] }[],
  sampled: readonly Float32Array[],
  temperature: number,
): PolicyBatch {
  return {
    loss: 'policy',
    sequences: sequences.map((sequence, index) => ({
      ...sequence,
      oldProbs: sampled[index] as Float32Array,
      advantage: (index % 5) - 2,
      weight: 1 / 512,
    })),
    temperature,
    settings: { clip: { low: 0.2, high: 0.2 }, klCoefficient: 0 },
  };
}
