import type { OnnxProgram } from '../graph/program.ts';
import { kernel, type Value } from '../graph/value.ts';
import { intoCache } from '../nn/cached-attention.ts';
import { add } from '../ops/elementwise.ts';
import { addRows, gatherRows } from '../ops/indexing.ts';
import { cast } from '../ops/movement.ts';
import type { ModelConfig } from './config.ts';
import { cacheType } from './decode-program.ts';
import { ProgramInputs } from './program-inputs.ts';

/** What is a loop over arrays where TypeScript can read them, for memory that it cannot. */

/** `words` [N] int32 → `indices` [N] int64. */
export function widenProgram(): OnnxProgram {
  const inputs = new ProgramInputs();
  return inputs.write({ indices: cast(inputs.add('words', ['N'], 'int32'), 'int64') });
}

/** `matrix` [N, D], `rows` [M] → `picked` [M, D]. */
export function pickRowsProgram(): OnnxProgram {
  const inputs = new ProgramInputs();
  return inputs.write({ picked: gatherRows(inputs.add('matrix', ['N', 'D']), inputs.add('rows', ['M'], 'int64')) });
}

/** `matrix` [N, D], `rows` [M], `updates` [M, D] → `sum` [N, D], which may lie in the memory of the matrix. */
export function addRowsProgram(): OnnxProgram {
  const inputs = new ProgramInputs();
  const matrix = inputs.add('matrix', ['N', 'D']);
  const rows = inputs.add('rows', ['M'], 'int64');
  const updates = inputs.add('updates', ['M', 'D']);
  // What adds rows at the same time, as ScatterND may on a device, would give other bits each time.
  const [sum] = kernel('AddRows', [matrix, rows, updates], [addRows(matrix, { rows, updates })]);
  return inputs.write({ sum: sum as Value });
}

/** `a` and `b` [N] → `sum` [N], which may lie in the memory of either. */
export function addProgram(): OnnxProgram {
  const inputs = new ProgramInputs();
  return inputs.write({ sum: add(inputs.add('a', ['N']), inputs.add('b', ['N'])) });
}

/**
 * `k` and `v` [T, kvHeads, headDim] of tokens, `block` and `offset` [T] int64, of which no two are the same, a layer's cache `keys` and `values` → `next.keys` and
 * `next.values`, which may lie in the memory of the cache.
 */
export function cacheWriteProgram(config: ModelConfig): OnnxProgram {
  const { kvHeads, headDim } = config;
  const inputs = new ProgramInputs();
  const [k, v] = ['k', 'v'].map((name) => inputs.add(name, ['T', kvHeads, headDim])) as [Value, Value];
  const at = { block: inputs.add('block', ['T'], 'int64'), offset: inputs.add('offset', ['T'], 'int64') };
  const type = cacheType(config);
  const cache = { keys: inputs.add('keys', ['K'], type), values: inputs.add('values', ['C', headDim], type) };
  const next = intoCache(k, v, at, cache);
  const given = [k, v, at.block, at.offset, cache.keys, cache.values];
  const [keys, values] = kernel(`IntoCache${type === 'bfloat16' ? 'Bf16' : ''}`, given, [next.keys, next.values]);
  return inputs.write({ 'next.keys': keys as Value, 'next.values': values as Value });
}
