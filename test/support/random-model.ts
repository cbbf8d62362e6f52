import { configFromInit, type Head, type ModelConfig } from '../../trainer/models/config.ts';
import { type LoraSettings, loraTargets } from '../../trainer/contract/settings/training.ts';
import { parameterLayout } from '../../trainer/models/parameters.ts';

/** A small Qwen3-shaped configuration with grouped queries; `changes` says what the case is about. */
export function tinyConfig(changes: Partial<ModelConfig> = {}): ModelConfig {
  const family = changes.family ?? 'qwen3';
  return {
    family,
    vocabularySize: 50,
    hiddenSize: 32,
    intermediateSize: 48,
    layers: 2,
    heads: 4,
    kvHeads: 2,
    headDim: 8,
    ropeTheta: 10_000,
    normEpsilon: 1e-6,
    tiedEmbeddings: true,
    qkNorm: family === 'qwen3',
    attentionBias: family === 'qwen2',
    outputBias: false,
    mlpBias: false,
    maxLength: 512,
    initializerRange: 0.2,
    ...changes,
  };
}

/** Settings of adapters, on all linear maps unless it is said which. */
export function adapters(rank: number, targets: LoraSettings['targets'] = [...loraTargets]): LoraSettings {
  return { rank, alpha: 2 * rank, targets };
}

/** Of SmolLM2-135M's size: 134,515,008 parameters, and 576 more with a scalar head. */
export const smolLm2Config = configFromInit(
  {
    architecture: 'llama',
    hiddenSize: 576,
    intermediateSize: 1536,
    layers: 30,
    heads: 9,
    kvHeads: 3,
    maxLength: 2048,
    tokenizer: 'bytes',
  },
  49_152,
);

/**
 * Parameters by name: matrices uniform with standard deviation `initializerRange`. Norms and biases are uneven too, so
 * that a gradient in the wrong place shows.
 */
export function randomParameters(config: ModelConfig, head: Head = 'lm', seed = 1): Record<string, Float32Array> {
  const width = config.initializerRange * Math.sqrt(12);
  let state = seed; // a linear congruential generator (Numerical Recipes), quick where the global Math is slow
  const draw = (): number => (state = (state * 1_664_525 + 1_013_904_223) % 0x1_0000_0000) / 0x1_0000_0000 - 0.5;
  const entries = parameterLayout(config, head).tensors.map(({ name, shape, size }) => {
    const values = new Float32Array(size);
    const [mean, spread] = shape.length > 1 ? [0, width] : [name.endsWith('.bias') ? 0 : 1, 0.6];
    for (let index = 0; index < size; index++) values[index] = mean + spread * draw();
    return [name, values] as const;
  });
  return Object.fromEntries(entries);
}

/** Token ids that look random and are always the same. */
export function tokenIds(count: number, vocabularySize: number, seed = 0): number[] {
  return Array.from(
    { length: count },
    (_, index) => (index * index * 7 + index * (13 + seed) + 5 * seed) % vocabularySize,
  );
}
