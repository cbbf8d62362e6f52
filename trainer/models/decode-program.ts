import type { OnnxProgram } from '../graph/program.ts';
import { reshape } from '../ops/movement.ts';
import { cachedAttention } from '../nn/cached-attention.ts';
import type { ModelConfig } from './config.ts';
import { attentionOutput, decoderRotaryTables, feedForward, projectTokens, rotated } from './decoder.ts';
import { layerParameters } from './layer-programs.ts';
import { parameterInputs, ProgramInputs } from './program-inputs.ts';

/**
 * A layer for one new token of each of B sequences: `x` [B, d], `positions` [B, 1], the layer's parameters, and its cache `keys` and `values`
 * [C, headDim] (see nn/cached-attention.ts) → `y` [B, d], `next.keys` and `next.values`, which may lie in the memory of the cache.
 *
 * `y` has the bits that the tokens have in the layer program over whole sequences, where B ≥ 2.
 */
export function decodeProgram(config: ModelConfig): OnnxProgram {
  const { hiddenSize, heads, kvHeads, headDim, maxLength } = config;
  const inputs = new ProgramInputs();
  const layer = parameterInputs(inputs, layerParameters(config));
  const x = inputs.add('x', ['B', hiddenSize]);
  const positions = inputs.add('positions', ['B', 1], 'int64');
  const cache = { keys: inputs.add('keys', ['C', headDim]), values: inputs.add('values', ['C', headDim]) };
  const tables = decoderRotaryTables(config, maxLength);
  const { q, k, v } = rotated(config, layer, projectTokens(config, layer, x), { tables, positions });
  const { out, keys, values } = cachedAttention(
    reshape(q, ['B', heads, headDim]),
    reshape(k, ['B', kvHeads, headDim]),
    reshape(v, ['B', kvHeads, headDim]),
    reshape(positions, ['B']),
    cache,
  );
  const middle = attentionOutput(config, layer, reshape(out, ['B', heads * headDim]), x);
  return inputs.write({ y: feedForward(config, layer, middle), 'next.keys': keys, 'next.values': values });
}
