import type { OnnxProgram } from '../graph/program.ts';
import type { Value } from '../graph/value.ts';
import { cachedAttention } from '../nn/attention.ts';
import { distribution } from '../nn/token-probability.ts';
import { multiply } from '../ops/elementwise.ts';
import { gatherRows } from '../ops/indexing.ts';
import { reshape } from '../ops/movement.ts';
import type { ModelConfig } from './config.ts';
import {
  type Parameters,
  attentionOutput,
  decoderRotaryTables,
  feedForward,
  finalNorm,
  headTable,
  projectTokens,
  rotated,
  within,
} from './decoder.ts';
import { parameterLayout } from './parameters.ts';
import { ProgramInputs } from './program-inputs.ts';

export type DecodePart = 'first' | 'middle' | 'last';

/**
 * One step of generation for any batch B ≥ 2 and cache width W, cut at every layer's attention, so that the caller
 * writes the new key and value into the cache before attention reads it, and nothing large is ever an output (the
 * binding copies outputs):
 * - first: `ids` [B], `position` [B, 1] → `next.x` [B, d], `next.q` [B, kvHeads, group, headDim] (after RoPE), `next.k`,
 *   `next.v` [B, kvHeads, headDim], all of layer 0
 * - middle: `x`, `q` (the `next.…` of the part before), `position`, `keys`, `values` [B, kvHeads, W, headDim], `bias`
 *   [B, 1, 1, W] (0, or −1e9 where the cache is empty) → `next.x`, `next.q`, `next.k`, `next.v` of the layer after it
 * - last: `x`, `q`, `keys`, `values`, `bias`, `inverseTemperature` [1] → `prob` [B, V]
 *
 * Parameters are inputs under the names of their role: `decodeBinding` says which parameter plays it in a layer.
 * `prob` has the bits of the programs over whole sequences (ENGINE: one thread, B ≥ 2).
 *
 * @param positions how many positions the sequences may have
 */
export function decodePrograms(config: ModelConfig, positions = config.maxLength): Record<DecodePart, OnnxProgram> {
  return { first: first(config, positions), middle: middle(config, positions), last: last(config) };
}

/**
 * Hugging Face name of each parameter input of a part.
 *
 * @param layer the one whose attention the part computes, for `middle`: 0 … layers − 2; the other parts have only one
 */
export function decodeBinding(config: ModelConfig, part: DecodePart, layer = 0): Record<string, string> {
  const [current, next] = { first: [-1, 0], middle: [layer, layer + 1], last: [config.layers - 1, -1] }[part];
  const binding = roles(config, part).map(([role]) => [
    role,
    role.replace(/^layer\./, `model.layers.${current}.`).replace(/^next\./, `model.layers.${next}.`),
  ]);
  return Object.fromEntries(binding) as Record<string, string>;
}

function first(config: ModelConfig, positions: number): OnnxProgram {
  const { inputs, parameters } = stepInputs(config, 'first');
  const ids = inputs.add('ids', ['B'], 'int64');
  const x = gatherRows(parameters('model.embed_tokens.weight'), ids);
  return inputs.write({ 'next.x': x, ...newHeads(config, inputs, within(parameters, 'next'), x, positions) });
}

function middle(config: ModelConfig, positions: number): OnnxProgram {
  const { inputs, parameters } = stepInputs(config, 'middle');
  const x = finishLayer(config, inputs, within(parameters, 'layer'));
  return inputs.write({ 'next.x': x, ...newHeads(config, inputs, within(parameters, 'next'), x, positions) });
}

function last(config: ModelConfig): OnnxProgram {
  const { inputs, parameters } = stepInputs(config, 'last');
  const hidden = finalNorm(config, parameters, finishLayer(config, inputs, within(parameters, 'layer')));
  const tempered = multiply(hidden, inputs.add('inverseTemperature', [1]));
  return inputs.write({ prob: distribution(tempered, headTable(config, parameters)) });
}

/** A layer from its attention on: `[B, d]`. */
function finishLayer(config: ModelConfig, inputs: ProgramInputs, layer: Parameters): Value {
  const { hiddenSize, heads, kvHeads, headDim } = config;
  const x = inputs.add('x', ['B', hiddenSize]);
  const q = inputs.add('q', ['B', kvHeads, heads / kvHeads, headDim]);
  const keys = inputs.add('keys', ['B', kvHeads, 'W', headDim]);
  const values = inputs.add('values', ['B', kvHeads, 'W', headDim]);
  const bias = inputs.add('bias', ['B', 1, 1, 'W']);
  return feedForward(config, layer, attentionOutput(config, layer, cachedAttention(q, keys, values, bias), x));
}

/** A layer up to its attention. The batch is projected as one row of B tokens: a product never has a single row. */
function newHeads(
  config: ModelConfig,
  inputs: ProgramInputs,
  layer: Parameters,
  x: Value,
  positions: number,
): Record<string, Value> {
  const { heads, kvHeads, headDim } = config;
  const { q, k, v } = rotated(config, layer, projectTokens(config, layer, x), {
    tables: decoderRotaryTables(config, positions),
    positions: inputs.add('position', ['B', 1], 'int64'),
  });
  return {
    'next.q': reshape(q, ['B', kvHeads, heads / kvHeads, headDim]),
    'next.k': reshape(k, ['B', kvHeads, headDim]),
    'next.v': reshape(v, ['B', kvHeads, headDim]),
  };
}

function stepInputs(config: ModelConfig, part: DecodePart): { inputs: ProgramInputs; parameters: Parameters } {
  const inputs = new ProgramInputs();
  for (const [role, shape] of roles(config, part)) inputs.add(role, shape);
  return { inputs, parameters: (name) => inputs.get(name) };
}

/** Names and shapes of a part's parameter inputs: of the layer it finishes (`layer.…`), and of the one it begins (`next.…`). */
function roles(config: ModelConfig, part: DecodePart): [role: string, shape: readonly number[]][] {
  const { tensors } = parameterLayout(config, 'lm');
  const found: [string, readonly number[]][] = [];
  for (const { name, shape } of tensors) {
    const inLayer = /^model\.layers\.0\.(.*)$/.exec(name)?.[1];
    if (inLayer !== undefined) {
      const begins = inLayer.startsWith('input_layernorm') || /^self_attn\.[qkv]_/.test(inLayer);
      if (begins && part !== 'last') found.push([`next.${inLayer}`, shape]);
      if (!begins && part !== 'first') found.push([`layer.${inLayer}`, shape]);
    } else if (name === 'model.embed_tokens.weight') {
      if (part === 'first' || (part === 'last' && config.tiedEmbeddings)) found.push([name, shape]);
    } else if (!name.startsWith('model.layers.') && part === 'last') {
      found.push([name, shape]);
    }
  }
  return found;
}
