import { type Dimension, dimension, fixed, times } from '../graph/shape.ts';
import { type Value, integers } from '../graph/value.ts';
import { causalAttention } from '../nn/attention.ts';
import { projectToHeads } from '../nn/heads.ts';
import { queriesToGrid, toGrid } from '../nn/token-grid.ts';
import { type RotaryTables, rotaryTables } from '../nn/rotary.ts';
import { type Projection, swiglu } from '../nn/swiglu.ts';
import { add } from '../ops/elementwise.ts';
import { gatherRows } from '../ops/indexing.ts';
import { gemm } from '../ops/linalg.ts';
import { reshape, transpose } from '../ops/movement.ts';
import { rmsNorm } from '../ops/normalization.ts';
import { rotaryEmbedding } from '../ops/rotary.ts';
import type { ModelConfig } from './config.ts';

/** Finds a parameter by its name in the Hugging Face checkpoint. */
export type Parameters = (name: string) => Value;

/** Parameters whose names begin with `prefix` and a dot, without it. */
export function within(parameters: Parameters, prefix: string): Parameters {
  return (name) => parameters(`${prefix}.${name}`);
}

/** Hidden states before the head, and every layer's keys (after RoPE) and values. */
export interface DecoderOutput {
  /** `[rows · length, d]`, before the final norm */
  readonly hidden: Value;
  /** `[rows, kvHeads, length, headDim]` each */
  readonly keys: readonly Value[];
  readonly values: readonly Value[];
}

/**
 * A causal decoder over sequences of equal length at positions 0 … length − 1, for prompts. Padding stands on the right
 * and changes nothing before it.
 *
 * @param ids `[rows, length]` int64
 */
export function decoder(config: ModelConfig, parameters: Parameters, ids: Value): DecoderOutput {
  const [rows, length] = [dimension(ids.shape, 0), fixed(dimension(ids.shape, 1))];
  const rotary = { tables: decoderRotaryTables(config, length), positions: integers([0]) };
  const keys: Value[] = [];
  const values: Value[] = [];

  let x = gatherRows(parameters('model.embed_tokens.weight'), reshape(ids, [times(rows, length)]));
  for (let index = 0; index < config.layers; index++) {
    const layer = within(parameters, `model.layers.${index}`);
    const heads = projectAttention(config, layer, x, rows, length);
    const { q, k, v } = rotated(config, layer, heads, rotary);
    keys.push(k);
    values.push(v);
    x = feedForward(config, layer, attentionOutput(config, layer, causalAttention(q, k, v), x));
  }
  return { hidden: x, keys, values };
}

/** Tokens of several sequences in one list (see packing.ts), T in all. */
export interface TokenList {
  /** `[T]` int64 */
  readonly ids: Value;
  /** `[T, 1]` int64 */
  readonly positions: Value;
  /** `[rows · length]` int64: the token of each cell of the grid */
  readonly places: Value;
  /** `[T]` int64: the cell whose result a token takes */
  readonly origins: Value;
  readonly rows: number;
  readonly length: number;
}

/**
 * The same decoder over packed tokens. Keys and values go from the list to the grid, what was attended comes back; all
 * else is done once a token, whatever number of sequences share it. A token's result has the same bits either way.
 *
 * @returns hidden states before the head, `[T, d]`, before the final norm
 */
export function packedDecoder(config: ModelConfig, parameters: Parameters, tokens: TokenList): Value {
  const { ids, positions, origins } = tokens;
  const rotary = { tables: decoderRotaryTables(config, tokens.length), positions };
  let x = gatherRows(parameters('model.embed_tokens.weight'), ids);
  for (let index = 0; index < config.layers; index++) {
    const layer = within(parameters, `model.layers.${index}`);
    const { q, k, v } = rotated(config, layer, projectTokens(config, layer, x), rotary);
    const attended = causalAttention(queriesToGrid(q, tokens), toGrid(k, tokens), toGrid(v, tokens));
    x = feedForward(config, layer, attentionOutput(config, layer, gatherRows(attended, origins), x));
  }
  return x;
}

export function decoderRotaryTables(config: ModelConfig, length: number): RotaryTables {
  const { headDim, ropeTheta: theta, ropeScaling: scaling } = config;
  return rotaryTables({ headDim, theta, ...(scaling && { scaling }) }, length);
}

export interface AttentionHeads {
  /** `[rows, heads, length, headDim]` */
  readonly q: Value;
  /** `[rows, kvHeads, length, headDim]` */
  readonly k: Value;
  readonly v: Value;
}

/** Queries, keys and values of the normalised input `x` `[rows · length, d]`, before QK-norm and RoPE. */
export function projectAttention(
  config: ModelConfig,
  layer: Parameters,
  x: Value,
  rows: Dimension,
  length: Dimension,
): AttentionHeads {
  const h = rmsNorm(x, layer('input_layernorm.weight'), config.normEpsilon);
  const project = (name: string, heads: number): Value => {
    const y = projectToHeads(h, layer(`self_attn.${name}.weight`), rows, length, heads);
    // A sum of its own: as C of a Gemm the bias would enter the product's sum at another place, and change its bits.
    return config.attentionBias ? add(y, reshape(layer(`self_attn.${name}.bias`), [heads, 1, config.headDim])) : y;
  };
  return {
    q: project('q_proj', config.heads),
    k: project('k_proj', config.kvHeads),
    v: project('v_proj', config.kvHeads),
  };
}

/** Queries, keys and values of tokens at positions of their own, `[T, heads, 1, headDim]`, from `x` `[T, d]`. */
export function projectTokens(config: ModelConfig, layer: Parameters, x: Value): AttentionHeads {
  const { q, k, v } = projectAttention(config, layer, x, 1, dimension(x.shape, 0));
  return { q: oneToken(q), k: oneToken(k), v: oneToken(v) };
}

/** `[1, heads, T, headDim]` to `[T, heads, 1, headDim]`. */
function oneToken(x: Value): Value {
  return transpose(x, [2, 1, 0, 3]);
}

/** QK-norm (Qwen3) and RoPE. */
export function rotated(
  config: ModelConfig,
  layer: Parameters,
  { q, k, v }: AttentionHeads,
  { tables, positions }: { tables: RotaryTables; positions: Value },
): AttentionHeads {
  const rotate = (x: Value, norm: string): Value => {
    const y = config.qkNorm ? rmsNorm(x, layer(`self_attn.${norm}.weight`), config.normEpsilon) : x;
    return rotaryEmbedding(y, positions, tables);
  };
  return { q: rotate(q, 'q_norm'), k: rotate(k, 'k_norm'), v };
}

/** Output projection of attention, added to the residual stream. `attended` is `[n, heads · headDim]`. */
export function attentionOutput(config: ModelConfig, layer: Parameters, attended: Value, residual: Value): Value {
  const y = gemm(attended, layer('self_attn.o_proj.weight'), { transB: true, c: residual });
  return config.outputBias ? add(y, layer('self_attn.o_proj.bias')) : y;
}

/** The second half of a layer: norm and SwiGLU, added to the residual stream `x` `[n, d]`. */
export function feedForward(config: ModelConfig, layer: Parameters, x: Value): Value {
  const h = rmsNorm(x, layer('post_attention_layernorm.weight'), config.normEpsilon);
  const projection = (name: string): Projection => ({
    weight: layer(`mlp.${name}.weight`),
    ...(config.mlpBias && { bias: layer(`mlp.${name}.bias`) }),
  });
  return swiglu(h, x, { gate: projection('gate_proj'), up: projection('up_proj'), down: projection('down_proj') });
}

/** The final norm of hidden states `[n, d]`. */
export function finalNorm(config: ModelConfig, parameters: Parameters, hidden: Value): Value {
  return rmsNorm(hidden, parameters('model.norm.weight'), config.normEpsilon);
}

/** The language-model head's table, `[V, d]`: tied to the embedding, or its own. */
export function headTable(config: ModelConfig, parameters: Parameters): Value {
  return parameters(config.tiedEmbeddings ? 'model.embed_tokens.weight' : 'lm_head.weight');
}
