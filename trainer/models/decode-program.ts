import type { OnnxProgram } from '../graph/program.ts';
import { reshape } from '../ops/movement.ts';
import { cachedAttention } from '../nn/cached-attention.ts';
import type { ModelConfig } from './config.ts';
import { attentionHeads, attentionOutput, feedForward } from './decoder.ts';
import { layerParameters } from './layer-programs.ts';
import { withPanels } from './panels.ts';
import { parameterInputs, ProgramInputs } from './program-inputs.ts';

/** What the cache of a model holds: in bf16 it is half as large, and what waits for memory twice as fast. */
export function cacheType({ precision }: Pick<ModelConfig, 'precision'>): 'float32' | 'bfloat16' {
  return precision === 'bf16' ? 'bfloat16' : 'float32';
}

/**
 * A layer for one new token of each of B sequences: `x` [B, d], `positions` [B, 1], `table` [B, N], the layer's parameters, and its cache `keys`
 * and `values` (see nn/cached-attention.ts) → `y` [B, d], `next.keys` and `next.values`, which may lie in the memory of the cache.
 *
 * `y` has the bits that the tokens have in the layer program over whole sequences, where B ≥ 2.
 *
 * @param packed whether it is given panels in place of those weights that can be (panels.ts)
 */
export function decodeProgram(config: ModelConfig, packed = false): OnnxProgram {
  const { hiddenSize, headDim } = config;
  const inputs = new ProgramInputs();
  const tensors = layerParameters(config);
  const layer = parameterInputs(inputs, packed ? withPanels(config, tensors) : tensors);
  const x = inputs.add('x', ['B', hiddenSize]);
  const positions = inputs.add('positions', ['B', 1], 'int64');
  const table = inputs.add('table', ['B', 'N'], 'int64');
  const type = cacheType(config);
  const cache = { keys: inputs.add('keys', ['K'], type), values: inputs.add('values', ['C', headDim], type) };
  const { q, k, v } = attentionHeads(config, layer, x, positions);
  const { out, keys, values } = cachedAttention(q, k, v, { positions: reshape(positions, ['B']), table }, cache);
  const middle = attentionOutput(config, layer, out, x);
  return inputs.write({ y: feedForward(config, layer, middle), 'next.keys': keys, 'next.values': values });
}
