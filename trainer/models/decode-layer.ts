import { dimension } from '../graph/shape.ts';
import { type Value, kernel, scalar } from '../graph/value.ts';
import { type Cache, cachedAttention } from '../nn/cached-attention.ts';
import type { RotaryTables } from '../nn/rotary.ts';
import { reshape } from '../ops/movement.ts';
import type { ModelConfig } from './config.ts';
import { attentionHeads, attentionOutput, feedForward, type Parameters } from './decoder.ts';

/** Where the new tokens of B sequences go. */
export interface TokenRows {
  /** `[B, 1]` int64 */
  readonly positions: Value;
  /** `[B, N]` int64, as of `cachedAttention` */
  readonly table: Value;
  readonly rotary: RotaryTables;
}

/**
 * A layer for one new token of each of B sequences, whose keys and values are written into the cache. Where there is a kernel for all of it,
 * it is one op: no adapter is. Its bits are those of the ops that it is made of.
 *
 * @param layer its parameters, without the prefix of the layer
 * @param x the residual stream, `[B, d]`
 * @returns `y` `[B, d]`, and the cache with the new tokens, which may lie in the memory of the one before
 */
export function decodeLayer(
  config: ModelConfig,
  layer: Parameters,
  x: Value,
  rows: TokenRows,
  cache: Cache,
): Cache & { readonly y: Value } {
  const { positions, table, rotary } = rows;
  const { q, k, v } = attentionHeads(config, layer, x, { positions, tables: rotary });
  const places = { positions: reshape(positions, [dimension(x.shape, 0)]), table };
  const { out, keys, values } = cachedAttention(q, k, v, places, cache);
  const y = feedForward(config, layer, attentionOutput(config, layer, out, x));
  if (config.lora) return { y, keys, values };
  const weights = linearMaps.map(({ name }) => layer(`${name}.weight`));
  const biases = linearMaps.map(({ name, bias }) => (config[bias] ? layer(`${name}.bias`) : undefined));
  const headNorms = ['q', 'k'].map((name) => (config.qkNorm ? layer(`self_attn.${name}_norm.weight`) : undefined));
  const norms = [layer('input_layernorm.weight'), layer('post_attention_layernorm.weight')];
  const tensors = [x, positions, table, cache.keys, cache.values, rotary.cos, rotary.sin, scalar(config.normEpsilon)];
  const name = config.precision === 'bf16' ? 'DecodeLayerBf16' : 'DecodeLayer';
  const outputs = kernel(name, [...tensors, ...norms, ...weights, ...biases, ...headNorms], [y, keys, values]);
  const [nextY, nextKeys, nextValues] = outputs as [Value, Value, Value];
  return { y: nextY, keys: nextKeys, values: nextValues };
}

/** In the order of the kernel's inputs. */
const linearMaps = [
  { name: 'self_attn.q_proj', bias: 'attentionBias' },
  { name: 'self_attn.k_proj', bias: 'attentionBias' },
  { name: 'self_attn.v_proj', bias: 'attentionBias' },
  { name: 'self_attn.o_proj', bias: 'outputBias' },
  { name: 'mlp.gate_proj', bias: 'mlpBias' },
  { name: 'mlp.up_proj', bias: 'mlpBias' },
  { name: 'mlp.down_proj', bias: 'mlpBias' },
] as const;
