import type { OnnxProgram } from '../graph/program.ts';
import type { Value } from '../graph/value.ts';
import { distribution } from '../nn/token-probability.ts';
import { gatherRows } from '../ops/indexing.ts';
import type { ModelConfig } from './config.ts';
import { decodeLayer } from './decode-layer.ts';
import { decoderRotaryTables, finalNorm, headTable, tempered, within } from './decoder.ts';
import { withPanels } from './panels.ts';
import { parameterLayout } from './parameters.ts';
import { parameterInputs, ProgramInputs } from './program-inputs.ts';

/** What the cache of a model holds: in bf16 it is half as large, and what waits for memory twice as fast. */
export function cacheType({ precision }: Pick<ModelConfig, 'precision'>): 'float32' | 'bfloat16' {
  return precision === 'bf16' ? 'bfloat16' : 'float32';
}

/**
 * One new token of each of B sequences through the whole model: `ids` [B], `positions` [B, 1], `table` [B, N], `inverseTemperature` [1],
 * `embeddings` (as of `embedProgram`), the parameters, and of each layer its cache, `keys.<l>` and `values.<l>` (see nn/cached-attention.ts) →
 * `prob` [B, V], the distribution of the token after it, and `next.keys.<l>` and `next.values.<l>`, which may lie in the memory of the cache.
 *
 * All layers are in one program: a run costs about as much as a small layer for a few tokens.
 *
 * The bits are those that the tokens have in the programs over whole sequences, where B ≥ 2.
 *
 * @param packed whether it is given panels in place of those weights that can be (panels.ts)
 */
export function decodeProgram(config: ModelConfig, packed = false): OnnxProgram {
  const { hiddenSize, headDim, vocabularySize } = config;
  const inputs = new ProgramInputs();
  const { tensors } = parameterLayout(config, 'lm');
  const parameters = parameterInputs(inputs, packed ? withPanels(config, tensors) : tensors);
  const embeddings = inputs.add('embeddings', [vocabularySize, hiddenSize]);
  const positions = inputs.add('positions', ['B', 1], 'int64');
  const table = inputs.add('table', ['B', 'N'], 'int64');
  const type = cacheType(config);
  const rows = { positions, table, rotary: decoderRotaryTables(config) };
  const caches: Record<string, Value> = {};
  let x = gatherRows(embeddings, inputs.add('ids', ['B'], 'int64'));
  for (let index = 0; index < config.layers; index++) {
    const cache = {
      keys: inputs.add(`keys.${index}`, ['K'], type),
      values: inputs.add(`values.${index}`, ['C', headDim], type),
    };
    const layer = decodeLayer(config, within(parameters, `model.layers.${index}`), x, rows, cache);
    x = layer.y;
    caches[`next.keys.${index}`] = layer.keys;
    caches[`next.values.${index}`] = layer.values;
  }
  const hidden = tempered(finalNorm(config, parameters, x), inputs.add('inverseTemperature', [1]));
  return inputs.write({ prob: distribution(hidden, headTable(config, parameters)), ...caches });
}
