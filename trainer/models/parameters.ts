import { philox, randomKey } from '../algorithms/random.ts';
import type { LoraSettings } from '../contract/settings/training.ts';
import type { Head, ModelConfig } from './config.ts';

export const embeddingName = 'model.embed_tokens.weight';

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
  /** Not so are the weights under LoRA adapters. */
  readonly trained: boolean;
  /** What its products read: it is float32 itself, with a copy in bfloat16 where they are in that precision. */
  readonly type: 'float32' | 'bfloat16';
}

export interface ParameterLayout {
  readonly tensors: readonly ParameterTensor[];
  /** Number of elements of all tensors together. */
  readonly size: number;
  /** How many of them, at the beginning, are not trained. */
  readonly frozen: number;
}

/**
 * Names, shapes and places of a model's parameters, in the order of the forward pass. Linear weights are
 * `[out, in]`, as in PyTorch. A tied language-model head has no tensor of its own. Where there are adapters, what is trained comes last: a
 * scalar head, and for each adapted matrix `[out, in]` its `lora_A` `[rank, in]` and `lora_B` `[out, rank]`.
 */
export function parameterLayout(config: ModelConfig, head: Head): ParameterLayout {
  const { hiddenSize, intermediateSize, headDim, vocabularySize } = config;
  const [queries, keys] = [config.heads * headDim, config.kvHeads * headDim];
  const tensors: ParameterTensor[] = [];
  let size = 0;
  let trained = config.lora === undefined;
  const add = (name: string, ...shape: number[]): void => {
    const elements = shape.reduce((product, dimension) => product * dimension, 1);
    const type = config.precision === 'bf16' && isFactor(name, shape) ? 'bfloat16' : 'float32';
    tensors.push({ name, shape, offset: size, size: elements, decay: shape.length > 1, trained, type });
    size += elements;
  };
  const isFactor = (name: string, shape: readonly number[]): boolean =>
    shape.length > 1 && !isAdapter(name) && (name !== embeddingName || (head === 'lm' && config.tiedEmbeddings));

  add(embeddingName, vocabularySize, hiddenSize);
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
  if (head === 'lm' && !config.tiedEmbeddings) add('lm_head.weight', vocabularySize, hiddenSize);
  const frozen = trained ? 0 : size;
  trained = true;
  if (head === 'scalar') add('score.weight', 1, hiddenSize);
  if (config.lora) {
    const { rank } = config.lora;
    const adapted = tensors.filter(({ name }) => isAdapted(config.lora, name));
    for (const { name, shape } of adapted) {
      const [outputs, inputs] = shape as [number, number];
      const { a, b } = adapterNames(name);
      add(a, rank, inputs);
      add(b, outputs, rank);
    }
  }
  return { tensors, size, frozen };
}

/** Whether an adapter stands on a linear map. @param weight name of its matrix, such as `….q_proj.weight` */
export function isAdapted(lora: LoraSettings | undefined, weight: string): lora is LoraSettings {
  return lora?.targets.some((target) => weight.endsWith(`.${target}.weight`)) ?? false;
}

function isAdapter(name: string): boolean {
  return name.endsWith('.lora_A.weight') || name.endsWith('.lora_B.weight');
}

/** Names of the two factors of an adapter. @param weight name of the matrix that it stands on */
export function adapterNames(weight: string): { readonly a: string; readonly b: string } {
  const map = weight.replace(/\.weight$/, '');
  return { a: `${map}.lora_A.weight`, b: `${map}.lora_B.weight` };
}

/** What is trained of a layout, as a layout of its own: places in the gradient and the moments. */
export function trainedLayout({ tensors, size, frozen }: ParameterLayout): ParameterLayout {
  return {
    tensors: tensors.filter(({ trained }) => trained).map((tensor) => ({ ...tensor, offset: tensor.offset - frozen })),
    size: size - frozen,
    frozen: 0,
  };
}

/**
 * Gives one tensor fresh numbers, as transformers initialises them: matrices normal(0, initializerRange), norms 1, biases 0; and
 * adapters as peft does: A uniform within ±1 ÷ √inputs, B 0, so that a fresh adapter changes nothing. A tensor's numbers depend on the seed,
 * its name and nothing else.
 */
export function initializeTensor(
  values: Float32Array,
  { name, shape, decay }: ParameterTensor,
  config: ModelConfig,
  seed: number,
): void {
  const key = randomKey(seed, 'initial', name);
  if (name.endsWith('.lora_B.weight')) values.fill(0);
  else if (name.endsWith('.lora_A.weight')) fillUniform(values, 1 / Math.sqrt(shape[1] as number), key);
  else if (decay) fillNormal(values, config.initializerRange, key);
  else values.fill(name.endsWith('.bias') ? 0 : 1);
}

/** Uniform numbers between −bound and bound. */
function fillUniform(values: Float32Array, bound: number, key: readonly [number, number]): void {
  for (let index = 0; index < values.length; index += 4) {
    for (const [place, word] of philox([index / 4, 0, 0, 0], key).entries()) {
      values[index + place] = bound * ((2 * (word + 0.5)) / 0x1_0000_0000 - 1); // beyond the end of the array: ignored
    }
  }
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
