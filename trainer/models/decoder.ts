import { dimension } from '../graph/shape.ts';
import type { Value } from '../graph/value.ts';
import { attention, type Attended, type TokenPlaces } from '../nn/attention.ts';
import { lowRank } from '../nn/lora.ts';
import { rotatedHeads } from '../nn/rotated-heads.ts';
import { type RotaryTables, rotaryTables } from '../nn/rotary.ts';
import { swiglu } from '../nn/swiglu.ts';
import { add, multiply } from '../ops/elementwise.ts';
import { linear as linearLayer } from '../ops/linalg.ts';
import { reshape } from '../ops/movement.ts';
import { rmsNorm } from '../ops/normalization.ts';
import { rounded } from '../ops/rounding.ts';
import type { ModelConfig } from './config.ts';
import { adapterNames, isAdapted } from './parameters.ts';

/** Finds a parameter by its name in the Hugging Face checkpoint. */
export type Parameters = (name: string) => Value;

/** Parameters whose names begin with `prefix` and a dot, without it. */
export function within(parameters: Parameters, prefix: string): Parameters {
  return (name) => parameters(`${prefix}.${name}`);
}

/** Tokens of several sequences in one list (see packing.ts). */
export interface Tokens extends TokenPlaces {
  /** Of each token in its sequence, `[T, 1]` int64 */
  readonly positions: Value;
}

/** What a layer computes of a list of tokens. */
export interface LayerOutput {
  /** The residual stream after the layer, `[T, d]` */
  readonly y: Value;
  /** As a cache has them, `[T, kvHeads, headDim]` */
  readonly keys: Value;
  readonly values: Value;
}

/** Sees those values of a layer that a backward pass starts from, and says what is used in their place. */
export type Keep = (name: string, value: Value) => Value;

/**
 * One layer of a causal decoder. All but attention is done once a token, whatever number of sequences share it. A token's
 * result has the same bits in any list.
 *
 * @param layer its parameters, without the prefix of the layer
 * @param x the residual stream, `[T, d]`
 * @param keep called for the results of products and of attention, each `[T, …]`; the rest follows from them without a product
 */
export function decoderLayer(
  config: ModelConfig,
  layer: Parameters,
  x: Value,
  tokens: Tokens,
  keep: Keep = (_, value) => value,
): LayerOutput {
  const rotation = { positions: tokens.positions, tables: decoderRotaryTables(config) };
  const { q, k: keys, v: values } = attentionHeads(config, layer, x, rotation, keep);
  const keepAttended = ({ out, lse }: Attended): Attended => ({ out: keep('attended', out), lse: keep('lse', lse) });
  const { out } = attention(q, keys, values, tokens, keepAttended, config.attentionOp);
  const middle = keep('middle', attentionOutput(config, layer, out, x));
  return { y: feedForward(config, layer, middle, keep), keys, values };
}

/** Of each token. */
export interface AttentionHeads {
  /** `[T, heads, headDim]` */
  readonly q: Value;
  /** `[T, kvHeads, headDim]` */
  readonly k: Value;
  readonly v: Value;
}

/**
 * What attention takes of tokens: queries and keys after QK-norm (Qwen3) and RoPE, and values. In bf16 keys and values are rounded to
 * bfloat16, in which the cache has them, so that whole sequences attend to what a cache holds.
 *
 * @param x the residual stream, `[T, d]`
 * @param rotation.positions `[T, 1]` int64
 */
export function attentionHeads(
  config: ModelConfig,
  layer: Parameters,
  x: Value,
  { positions, tables }: { readonly positions: Value; readonly tables: RotaryTables },
  keep: Keep = (_, value) => value,
): AttentionHeads {
  const count = dimension(x.shape, 0);
  const h = rmsNorm(x, layer('input_layernorm.weight'), config.normEpsilon);
  const project = (name: 'q' | 'k' | 'v'): Value =>
    keep(name, linear(config, layer, `self_attn.${name}_proj`, h, { bias: config.attentionBias }));
  const rotate = (name: 'q' | 'k'): Value => {
    const projected = project(name);
    if (!config.qkNorm) return rotatedHeads(projected, positions, tables);
    const norm = { weight: layer(`self_attn.${name}_norm.weight`), epsilon: config.normEpsilon };
    return rotatedHeads(projected, positions, tables, norm);
  };
  const v = reshape(project('v'), [count, config.kvHeads, config.headDim]);
  const inCache = (heads: Value): Value => (config.precision === 'bf16' ? rounded(heads) : heads);
  return { q: rotate('q'), k: inCache(rotate('k')), v: inCache(v) };
}

/** For every position that the model knows. */
export function decoderRotaryTables({
  headDim,
  ropeTheta: theta,
  ropeScaling: scaling,
  maxLength,
}: ModelConfig): RotaryTables {
  return rotaryTables({ headDim, theta, ...(scaling && { scaling }) }, maxLength);
}

/**
 * Every linear map of a layer, `x·weightᵀ + bias`, with its adapter and the residual stream added.
 *
 * @param name without `.weight`, such as `mlp.up_proj`
 * @param x `[n, in]`
 */
function linear(
  { lora }: ModelConfig,
  layer: Parameters,
  name: string,
  x: Value,
  { bias, residual }: { readonly bias: boolean; readonly residual?: Value },
): Value {
  const product = linearLayer(x, layer(`${name}.weight`), residual);
  const { a, b } = adapterNames(`${name}.weight`);
  const y = isAdapted(lora, `${name}.weight`)
    ? lowRank(x, { a: layer(a), b: layer(b), scale: lora.alpha / lora.rank }, product)
    : product;
  // A sum of its own: as C of the Gemm the bias would enter the product's sum at another place, and change its bits.
  return bias ? add(y, layer(`${name}.bias`)) : y;
}

/** Output projection of attention, added to the residual stream. `attended` is `[n, heads, headDim]`. */
export function attentionOutput(config: ModelConfig, layer: Parameters, attended: Value, residual: Value): Value {
  const joined = reshape(attended, [dimension(attended.shape, 0), config.heads * config.headDim]);
  return linear(config, layer, 'self_attn.o_proj', joined, { bias: config.outputBias, residual });
}

/** The second half of a layer: norm and SwiGLU, added to the residual stream `x` `[n, d]`. */
export function feedForward(config: ModelConfig, layer: Parameters, x: Value, keep: Keep = (_, value) => value): Value {
  const h = rmsNorm(x, layer('post_attention_layernorm.weight'), config.normEpsilon);
  const bias = config.mlpBias;
  const gate = keep('gate', linear(config, layer, 'mlp.gate_proj', h, { bias }));
  const up = keep('up', linear(config, layer, 'mlp.up_proj', h, { bias }));
  return linear(config, layer, 'mlp.down_proj', swiglu(gate, up), { bias, residual: x });
}

/** The final norm of hidden states `[n, d]`. */
export function finalNorm(config: ModelConfig, parameters: Parameters, hidden: Value): Value {
  return rmsNorm(hidden, parameters('model.norm.weight'), config.normEpsilon);
}

/** The language-model head's table, `[V, d]`: tied to the embedding, or its own. */
export function headTable(config: ModelConfig, parameters: Parameters): Value {
  return parameters(config.tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight');
}

/** Hidden states at a temperature. They are scaled, not the logits, which are many times larger. @param inverseTemperature `[1]` */
export function tempered(hidden: Value, inverseTemperature: Value): Value {
  return multiply(hidden, inverseTemperature);
}
