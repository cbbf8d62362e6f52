import type { ModelConfig } from '../../trainer/models/config.ts';
import { type Head, initialParameters, parameterLayout } from '../../trainer/models/parameters.ts';

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
    maxLength: 512,
    initializerRange: 0.2,
    ...changes,
  };
}

/** Parameters by name. Norms and biases are uneven too, so that a gradient in the wrong place shows. */
export function randomParameters(config: ModelConfig, head: Head = 'lm', seed = 1): Record<string, Float32Array> {
  const layout = parameterLayout(config, head);
  const flat = initialParameters(layout, config, seed);
  const entries = layout.tensors.map(({ name, offset, size, decay }) => {
    const values = flat.slice(offset, offset + size);
    return [name, decay ? values : values.map((value, index) => value + 0.3 * Math.sin(index + offset))] as const;
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
