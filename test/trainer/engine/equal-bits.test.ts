import { describe, expect, test } from '@jest/globals';
import type { Engine, GenerationRequest, TrainingBatch } from '../../../trainer/engine/engine.ts';
import type { ModelConfig } from '../../../trainer/models/config.ts';
import { adapters, tinyConfig, tokenIds } from '../../support/random-model.ts';
import { runtimes } from '../../support/with-ops.ts';
import { requests, stepSettings, tinyEngine } from './tiny-engine.ts';

const everyBias = { family: 'llama', kvHeads: 4, attentionBias: true, outputBias: true, mlpBias: true } as const;

const models: readonly [string, Partial<ModelConfig>][] = [
  ['qwen3, two query heads a key head', {}],
  ['qwen3, multi-head', { kvHeads: 4 }],
  ['qwen3, one key head, odd sizes', { kvHeads: 1, headDim: 12, hiddenSize: 40, intermediateSize: 56 }],
  ['qwen2 with bias', { family: 'qwen2' }],
  ['qwen2, multi-head', { family: 'qwen2', kvHeads: 4 }],
  ['llama, untied head', { family: 'llama', tiedEmbeddings: false }],
  [
    'qwen2 with bias and adapters of rank 1 on some maps',
    { family: 'qwen2', lora: adapters(1, ['q_proj', 'down_proj']) },
  ],
  ['llama with every bias, multi-head, adapters of rank 4', { ...everyBias, lora: adapters(4) }],
  ['qwen3 with adapters wider than its heads', { lora: adapters(40) }],
  ['llama, multi-head, wide', { family: 'llama', hiddenSize: 64, kvHeads: 4, headDim: 16, vocabularySize: 101 }],
  ['llama, every matrix in panels', { family: 'llama', hiddenSize: 64, intermediateSize: 96, vocabularySize: 112 }],
  [
    'llama in bf16, every matrix in panels',
    { family: 'llama', hiddenSize: 64, intermediateSize: 96, headDim: 16, vocabularySize: 128, precision: 'bf16' },
  ],
  ['qwen3 in bf16, tied head', { precision: 'bf16' }],
  ['llama in bf16, untied head', { family: 'llama', kvHeads: 4, tiedEmbeddings: false, precision: 'bf16' }],
  ['qwen2 with bias and adapters in bf16', { family: 'qwen2', lora: adapters(4), precision: 'bf16' }],
  ['llama with every bias', { family: 'llama', attentionBias: true, outputBias: true, mlpBias: true }],
];

/** At these sizes products are cut into blocks along the inner dimension. */
const large = { hiddenSize: 320, heads: 6, kvHeads: 2, headDim: 64, intermediateSize: 700, vocabularySize: 515 };

describe.each(runtimes)('on the runtime %s', (runtime) => {
  test.each(models)('sampling, scoring and training give the same bits: %s', async (_, changes) => {
    const engine = await tinyEngine({ config: tinyConfig(changes), optimizer: true, runtime });
    await hasEqualBits(engine, requests(30, { temperature: 0.8 }));
  });

  test.each(['f32', 'bf16'] as const)(
    'so they do in %s with long prompts, larger sizes and two workers',
    async (precision) => {
      const config = tinyConfig({ ...large, initializerRange: 0.05, precision });
      const engine = await tinyEngine({ config, optimizer: true, runtime, workers: 2 });
      const prompts = requests(6, { temperature: 1.3, maxNewTokens: 12 });
      await hasEqualBits(
        engine,
        prompts.map((request, index) => ({
          ...request,
          promptIds: tokenIds(100 + 40 * (index >> 1), 515, index >> 1),
        })),
      );
    },
  );

  test.each([
    { precision: 'f32', workers: 1 },
    { precision: 'f32', workers: 2 },
    { precision: 'bf16', workers: 1 },
    { precision: 'bf16', workers: 2 },
  ] as const)(
    'from 1 to 64 rows, alone or with others of its prompt, a completion keeps its bits: $precision, workers $workers',
    async ({ precision, workers }) => {
      const config = tinyConfig({ precision });
      const engine = await tinyEngine({ config, optimizer: true, runtime, workers });
      const prompts = requests(64).map((request, index) => ({
        ...request,
        promptIds: tokenIds(3 + 9 * (index >> 3), 50, index >> 3), // eight prompts, eight completions each
      }));
      const { sequences, sampled } = await rollout(engine, prompts);
      for (const rows of [1, 2, 3, 8, 17, 33, 64]) {
        const some = prompts.slice(-rows);
        const expected = sampled.slice(-rows);
        expect((await rollout(engine, some)).sampled).toEqual(expected);
        const given = sequences.slice(-rows);
        expect(await engine.tokenProbabilities(given, { temperature: 1 })).toEqual(expected);
        const { probs } = await engine.step(policyBatch(given, expected, 1), { ...stepSettings, learningRate: 0 });
        expect(probs).toEqual(expected);
      }
    },
  );
});

async function hasEqualBits(engine: Engine, prompts: readonly GenerationRequest[]): Promise<void> {
  const temperature = prompts[0]?.sampling.temperature as number;
  // Twice: the fresh model and the one after a step, whose numbers are less tidy.
  for (let round = 0; round < 2; round++) {
    const { sequences, sampled } = await rollout(engine, prompts);
    expect(await engine.tokenProbabilities(sequences, { temperature })).toEqual(sampled);
    const { probs } = await engine.step(policyBatch(sequences, sampled, temperature), stepSettings);
    expect(probs).toEqual(sampled);
  }
}

test('with equal bits the ratio is exactly 1: the loss is minus the weighted advantages', async () => {
  const engine = await tinyEngine({ optimizer: true });
  const { sequences, sampled } = await rollout(engine, requests(30, { temperature: 1 }));
  const batch = policyBatch(sequences, sampled, 1);
  const { loss } = await engine.step(batch, stepSettings);
  const expected = batch.sequences.reduce(
    (sum, { completionIds, advantage, weight }) => sum - completionIds.length * Math.fround(weight) * Number(advantage),
    0,
  );
  expect(loss).toBeCloseTo(expected, 6);
});

async function rollout(engine: Engine, prompts: readonly GenerationRequest[]) {
  const completions = await engine.generate(prompts);
  return {
    sampled: completions.map(({ probs }) => probs),
    sequences: completions.map(({ tokenIds: completionIds }, index) => ({
      promptIds: prompts[index]?.promptIds ?? [],
      completionIds,
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
