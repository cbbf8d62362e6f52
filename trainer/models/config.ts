import { UserError } from '../contract/process/errors.ts';
import type { ModelInit } from '../contract/settings/model.ts';
import { shown } from '../contract/process/shown.ts';
import type { LoraSettings, Precision } from '../contract/settings/training.ts';
import type { AttentionOp } from '../nn/attention.ts';
import type { RopeScaling } from '../nn/rotary.ts';

/** A decoder of the Llama, Qwen2 or Qwen3 family. Sizes in elements. */
export interface ModelConfig {
  readonly family: Family;
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly ropeTheta: number;
  readonly ropeScaling?: RopeScaling;
  readonly normEpsilon: number;
  readonly tiedEmbeddings: boolean;
  /** RMSNorm over each query and key head before RoPE. */
  readonly qkNorm: boolean;
  /** Bias of the query, key and value projections. */
  readonly attentionBias: boolean;
  /** Bias of the output projection of attention. */
  readonly outputBias: boolean;
  /** Bias of the three projections of the feed-forward layer. */
  readonly mlpBias: boolean;
  /** Longest sequence, in tokens. */
  readonly maxLength: number;
  /** Standard deviation of fresh weights. */
  readonly initializerRange: number;
  /** Adapters that stand on its linear maps, and are trained in their stead; no part of `config.json`. */
  readonly lora?: LoraSettings | undefined;
  /** Of the products of linear layers and of the head; f32 when absent. No part of `config.json`. */
  readonly precision?: Precision | undefined;
  /** Of whole sequences; ours when absent. No part of `config.json`. */
  readonly attentionOp?: AttentionOp | undefined;
}

/** The model under the adapters, and the one that they are merged into. */
export function withoutAdapters(config: ModelConfig): ModelConfig {
  return { ...config, lora: undefined };
}

/** What follows the decoder: next-token logits, or one score per sequence (a reward model). */
export type Head = 'lm' | 'scalar';

export type Family = 'llama' | 'qwen2' | 'qwen3';

const families: Record<Family, { readonly className: string; readonly headDim?: number; readonly maxLength: number }> =
  {
    llama: { className: 'Llama', maxLength: 2048 },
    qwen2: { className: 'Qwen2', maxLength: 32_768 },
    qwen3: { className: 'Qwen3', headDim: 128, maxLength: 32_768 },
  };

/**
 * Reads a Hugging Face `config.json`, as transformers 4 (`rope_theta`, `rope_scaling`) and 5 (`rope_parameters`) write it.
 * An absent key has the default of the family's configuration class in transformers.
 *
 * @param source named in messages, for example the file's path
 * @throws UserError naming the key, when the model is none that this trainer can run
 */
export function parseHfConfig(json: unknown, source: string): ModelConfig {
  const fields = new Fields(record(json, source), source);
  const family = fields.oneOf('model_type', Object.keys(families) as Family[]);
  fields.mustBe('hidden_act', 'silu');
  fields.mustBe('use_sliding_window', false);
  if (family !== 'llama') fields.mustBe('mlp_bias', false);

  const hiddenSize = fields.integer('hidden_size');
  const heads = fields.integer('num_attention_heads');
  const kvHeads = fields.integer('num_key_value_heads', heads);
  if (heads % kvHeads !== 0) {
    throw fields.error('num_key_value_heads', `found ${kvHeads}, expected a divisor of num_attention_heads = ${heads}`);
  }
  const headDim = fields.integer('head_dim', families[family].headDim ?? hiddenSize / heads);
  if (headDim % 2 !== 0) throw fields.error('head_dim', `found ${headDim}, expected an even number`);

  const maxLength = fields.integer('max_position_embeddings', families[family].maxLength);
  const rope = parseRope(fields, maxLength);
  return {
    family,
    vocabularySize: fields.integer('vocab_size'),
    hiddenSize,
    intermediateSize: fields.integer('intermediate_size'),
    layers: layersOf(fields),
    heads,
    kvHeads,
    headDim,
    ...rope,
    normEpsilon: fields.positive('rms_norm_eps', 1e-6),
    tiedEmbeddings: fields.boolean('tie_word_embeddings', false),
    qkNorm: family === 'qwen3',
    ...biases(family, fields),
    maxLength,
    initializerRange: fields.positive('initializer_range', 0.02),
  };
}

/** The largest models have 126; a number beyond any model would be a list of parameters beyond any memory. */
const mostLayers = 1000;

function layersOf(fields: Fields): number {
  const layers = fields.integer('num_hidden_layers');
  if (layers <= mostLayers) return layers;
  throw fields.error('num_hidden_layers', `found ${layers}, expected at most ${mostLayers}`);
}

/** The `config.json` of a model: opens in transformers 4 and 5, and in vLLM. */
export function toHfConfig(
  config: ModelConfig,
  extra: { eosTokenId: number | readonly number[]; bosTokenId?: number; padTokenId?: number; head: Head },
): Record<string, unknown> {
  const { className } = families[config.family];
  return {
    architectures: [`${className}${extra.head === 'lm' ? 'ForCausalLM' : 'ForSequenceClassification'}`],
    model_type: config.family,
    vocab_size: config.vocabularySize,
    hidden_size: config.hiddenSize,
    intermediate_size: config.intermediateSize,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    hidden_act: 'silu',
    max_position_embeddings: config.maxLength,
    rms_norm_eps: config.normEpsilon,
    rope_theta: config.ropeTheta,
    rope_scaling: config.ropeScaling
      ? {
          rope_type: 'llama3',
          factor: config.ropeScaling.factor,
          low_freq_factor: config.ropeScaling.lowFrequencyFactor,
          high_freq_factor: config.ropeScaling.highFrequencyFactor,
          original_max_position_embeddings: config.ropeScaling.originalMaxLength,
        }
      : null,
    tie_word_embeddings: config.tiedEmbeddings,
    initializer_range: config.initializerRange,
    attention_dropout: 0,
    use_cache: true,
    torch_dtype: 'float32',
    ...(config.family === 'llama' ? { mlp_bias: config.mlpBias } : { use_sliding_window: false }),
    ...(config.family === 'qwen2' ? {} : { attention_bias: config.attentionBias }),
    ...(extra.head === 'scalar' ? { num_labels: 1, id2label: { 0: 'reward' }, label2id: { reward: 0 } } : {}),
    eos_token_id: extra.eosTokenId,
    bos_token_id: extra.bosTokenId ?? null,
    pad_token_id: extra.padTokenId ?? null,
  };
}

/** The shape of a fresh model. */
export function configFromInit(init: ModelInit, vocabularySize: number): ModelConfig {
  return {
    family: init.architecture,
    vocabularySize,
    hiddenSize: init.hiddenSize,
    intermediateSize: init.intermediateSize ?? 3 * init.hiddenSize,
    layers: init.layers,
    heads: init.heads,
    kvHeads: init.kvHeads,
    headDim: init.hiddenSize / init.heads,
    ropeTheta: 10_000,
    normEpsilon: 1e-6,
    tiedEmbeddings: true,
    qkNorm: init.architecture === 'qwen3',
    attentionBias: init.architecture === 'qwen2',
    outputBias: false,
    mlpBias: false,
    maxLength: init.maxLength,
    initializerRange: 0.02,
  };
}

/** Qwen2 always has the biases of q, k and v and no other; `attention_bias` of the others is that of all four projections. */
function biases(family: Family, fields: Fields): Pick<ModelConfig, 'attentionBias' | 'outputBias' | 'mlpBias'> {
  if (family === 'qwen2') return { attentionBias: true, outputBias: false, mlpBias: false };
  const attentionBias = fields.boolean('attention_bias', false);
  return { attentionBias, outputBias: attentionBias, mlpBias: fields.boolean('mlp_bias', false) };
}

/** RoPE as transformers 4 writes it (`rope_theta` and `rope_scaling`) or as 5 does (both in `rope_parameters`). */
function parseRope(fields: Fields, maxLength: number): Pick<ModelConfig, 'ropeTheta' | 'ropeScaling'> {
  const key = fields.has('rope_parameters') ? 'rope_parameters' : 'rope_scaling';
  if (!fields.has(key)) return { ropeTheta: fields.positive('rope_theta', 10_000) };

  const rope = fields.child(key);
  const ropeTheta = rope.positive('rope_theta', fields.positive('rope_theta', 10_000));
  const type = rope.oneOf(rope.has('rope_type') ? 'rope_type' : 'type', ['default', 'llama3']);
  if (type === 'default') return { ropeTheta };
  return {
    ropeTheta,
    ropeScaling: {
      factor: rope.positive('factor'),
      lowFrequencyFactor: rope.positive('low_freq_factor'),
      highFrequencyFactor: rope.positive('high_freq_factor'),
      originalMaxLength: rope.integer('original_max_position_embeddings', maxLength),
    },
  };
}

function record(json: unknown, source: string): Record<string, unknown> {
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as Record<string, unknown>;
  throw new UserError(`${source}: found ${shown(json)}, expected an object`);
}

/** Typed access to the keys of a JSON object; `null` counts as absent, as in transformers. */
class Fields {
  readonly #json: Record<string, unknown>;
  readonly #path: string;

  constructor(json: Record<string, unknown>, path: string) {
    this.#json = json;
    this.#path = path;
  }

  has(key: string): boolean {
    return this.#json[key] !== undefined && this.#json[key] !== null;
  }

  child(key: string): Fields {
    return new Fields(record(this.#json[key], `${this.#path}: ${key}`), `${this.#path}: ${key}`);
  }

  error(key: string, problem: string): UserError {
    return new UserError(`${this.#path}: ${key}: ${problem}`);
  }

  integer(key: string, fallback?: number): number {
    const value = this.#value(key, fallback);
    if (Number.isSafeInteger(value) && (value as number) > 0) return value as number;
    throw this.error(key, `found ${shown(value)}, expected a positive integer`);
  }

  positive(key: string, fallback?: number): number {
    const value = this.#value(key, fallback);
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
    throw this.error(key, `found ${shown(value)}, expected a positive number`);
  }

  boolean(key: string, fallback: boolean): boolean {
    const value = this.#value(key, fallback);
    if (typeof value === 'boolean') return value;
    throw this.error(key, `found ${shown(value)}, expected true or false`);
  }

  oneOf<const T extends string>(key: string, known: readonly T[]): T {
    const value = this.#value(key);
    const found = known.find((candidate) => candidate === value);
    if (found !== undefined) return found;
    throw this.error(key, `found ${shown(value)}, expected one of ${known.join(', ')}`);
  }

  /** Refuses a variant of the architecture that this trainer does not have. */
  mustBe(key: string, supported: string | boolean): void {
    const value = this.#value(key, supported);
    if (value !== supported) throw this.error(key, `found ${shown(value)}, supported: ${supported}`);
  }

  #value(key: string, fallback?: unknown): unknown {
    if (this.has(key)) return this.#json[key];
    if (fallback !== undefined) return fallback;
    throw this.error(key, 'missing');
  }
}
