import { philox, randomKey } from '../algorithms/random.ts';
import type { Head, ModelConfig } from './config.ts';

/** One tensor in the flat array of all parameters. */
export interface ParameterTensor {
  /** Name in the Hugging Face checkpoint. */
  readonly name: string;
  readonly shape: readonly number[];
  /** First element in the flat array. */
  readonly offset: number;
  /** Number of elements. */
  readonly size: number;
  /** Whether weight decay applies: matrices yes, norms and biases no. */
  readonly decay: boolean;
}

export interface ParameterLayout {
  readonly tensors: readonly ParameterTensor[];
  /** Number of elements of all tensors together. */
  readonly size: number;
}

/**
 * Names, shapes and places of a model's parameters, in the order of the forward pass. Linear weights are
 * `[out, in]`, as in PyTorch. A tied language-model head has no tensor of its own.
 */
export function parameterLayout(config: ModelConfig, head: Head): ParameterLayout {
  const { hiddenSize, intermediateSize, headDim, vocabularySize } = config;
  const [queries, keys] = [config.heads * headDim, config.kvHeads * headDim];
  const tensors: ParameterTensor[] = [];
  let size = 0;
  const add = (name: string, ...shape: number[]): void => {
    const elements = shape.reduce((product, dimension) => product * dimension, 1);
    tensors.push({ name, shape, offset: size, size: elements, decay: shape.length > 1 });
    size += elements;
  };

  add('model.embed_tokens.weight', vocabularySize, hiddenSize);
  for (let layer = 0; layer < config.layers; layer++) {
    const prefix = `model.layers.${layer}`;
    add(`${prefix}.input_layernorm.weight`, hiddenSize);
    add(`${prefix}.self_attn.q_proj.weight`, queries, hiddenSize);
    add(`${prefix}.self_attn.k_proj.weight`, keys, hiddenSize);
    add(`${prefix}.self_attn.v_proj.weight`, keys, hiddenSize);
    if (config.attentionBias) {
      add(`${prefix}.self_attn.q_proj.bias`, queries);
      add(`${prefix}.self_attn.k_proj.bias`, keys);
      add(`${prefix}.self_attn.v_proj.bias`, keys);
    }
    if (config.qkNorm) {
      add(`${prefix}.self_attn.q_norm.weight`, headDim);
      add(`${prefix}.self_attn.k_norm.weight`, headDim);
    }
    add(`${prefix}.self_attn.o_proj.weight`, hiddenSize, queries);
    if (config.outputBias) add(`${prefix}.self_attn.o_proj.bias`, hiddenSize);
    add(`${prefix}.post_attention_layernorm.weight`, hiddenSize);
    add(`${prefix}.mlp.gate_proj.weight`, intermediateSize, hiddenSize);
    add(`${prefix}.mlp.up_proj.weight`, intermediateSize, hiddenSize);
    add(`${prefix}.mlp.down_proj.weight`, hiddenSize, intermediateSize);
    if (config.mlpBias) {
      add(`${prefix}.mlp.gate_proj.bias`, intermediateSize);
      add(`${prefix}.mlp.up_proj.bias`, intermediateSize);
      add(`${prefix}.mlp.down_proj.bias`, hiddenSize);
    }
  }
  add('model.norm.weight', hiddenSize);
  if (head === 'scalar') add('score.weight', 1, hiddenSize);
  else if (!config.tiedEmbeddings) add('lm_head.weight', vocabularySize, hiddenSize);
  return { tensors, size };
}

/**
 * Fresh parameters as transformers initialises them: matrices normal(0, initializerRange), norms 1, biases 0. A
 * tensor's numbers depend on the seed, its name and nothing else.
 *
 * @returns flat, in the order of the layout, in shared memory
 */
export function initialParameters(layout: ParameterLayout, config: ModelConfig, seed: number): Float32Array {
  const parameters = new Float32Array(new SharedArrayBuffer(layout.size * Float32Array.BYTES_PER_ELEMENT));
  for (const tensor of layout.tensors) initializeTensor(parameters, tensor, config, seed);
  return parameters;
}

/**
 * Gives one tensor its initial numbers.
 *
 * @param parameters flat, in the order of the layout
 */
export function initializeTensor(
  parameters: Float32Array,
  { name, offset, size, decay }: ParameterTensor,
  config: ModelConfig,
  seed: number,
): void {
  const values = parameters.subarray(offset, offset + size);
  if (decay) fillNormal(values, config.initializerRange, randomKey(seed, 'initial', name));
  else if (!name.endsWith('.bias')) values.fill(1);
}

/** Normal numbers with mean 0, four from each block of Philox (Box–Muller over pairs of 32-bit words). */
function fillNormal(values: Float32Array, deviation: number, key: readonly [number, number]): void {
  for (let index = 0; index < values.length; index += 4) {
    const [a, b, c, d] = philox([index / 4, 0, 0, 0], key);
    for (const [pair, radiusWord, angleWord] of [
      [0, a, b],
      [2, c, d],
    ] as const) {
      const radius = deviation * Math.sqrt(-2 * Math.log((radiusWord + 1) / 0x1_0000_0000));
      const angle = (2 * Math.PI * angleWord) / 0x1_0000_0000;
      values[index + pair] = radius * Math.cos(angle);
      values[index + pair + 1] = radius * Math.sin(angle); // beyond the end of the array: ignored
    }
  }
}
