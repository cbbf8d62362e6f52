import { describe, expect } from '@jest/globals';
import type { OnnxProgram } from '../../../trainer/graph/program.ts';
import { type Value, input } from '../../../trainer/graph/value.ts';
import { writeProgram } from '../../../trainer/graph/writer.ts';
import { packSequences } from '../../../trainer/models/packing.ts';
import { attention } from '../../../trainer/nn/attention.ts';
import { cacheBlock, cachedAttention } from '../../../trainer/nn/cached-attention.ts';
import { linear } from '../../../trainer/ops/linalg.ts';
import { pullback } from '../../../trainer/autodiff/reverse.ts';
import { openRuntime } from '../../../trainer/runtime/open-runtime.ts';
import { zeros } from '../../../trainer/runtime/aligned-memory.ts';
import { floatTensor, indexTensor, type Tensor } from '../../../trainer/runtime/tensor.ts';
import { rounded } from '../../support/bfloat16.ts';
import { expectClose, onBoth, random, rowsOf, runOn } from '../../support/kernel-and-body.ts';
import { tokenIds } from '../../support/random-model.ts';
import { testWithOps } from '../../support/with-ops.ts';

/** Query heads, key heads, size of a head. */
const heads: readonly (readonly [number, number, number])[] = [
  [4, 2, 8],
  [3, 3, 12],
  [9, 3, 64],
  [8, 1, 20],
];

describe('attention', () => {
  testWithOps.each(heads)('of %i and %i heads of %i is that of its body, and so is its gradient', async (...shape) => {
    const program = attentionProgram(shape);
    const tokens = packed();
    const inputs = { ...randomHeads(tokens.count, shape), ...tokens.tensors };
    const [kernels, bodies] = await onBoth(program, inputs);
    for (const name of ['out', 'dq', 'dk', 'dv']) expectClose(name, kernels[name], bodies[name]);
  });

  const caches = (['float32', 'bfloat16'] as const).flatMap((type) => heads.map((shape) => ({ type, shape })));
  testWithOps.each(caches)(
    'of one token of $shape over $type has the bits of whole sequences',
    async ({ type, shape }) => {
      const [queryHeads, kvHeads, headDim] = shape;
      const [rows, length, columns] = [4, 70, 5];
      // The first three begin with the same 37 tokens, and share two blocks of them.
      const sequences = Array.from({ length: rows }, (_, row) => ({
        shared: tokenIds(row < 3 ? 37 : 5, 50),
        own: tokenIds(length - (row < 3 ? 37 : 5), 50, row),
      }));
      const packing = packSequences(sequences);
      const { tensors, count } = packed(sequences);
      const blocks = [0, 1, 2].map((row) => [1, 2, 3 + 3 * row, 4 + 3 * row, 5 + 3 * row]);
      const table = indexTensor([...blocks, [12, 13, 14, 15, 16]].flat(), [rows, columns]);
      const size = 17 * kvHeads * cacheBlock * headDim;
      const all = randomHeads(count, shape);
      const inCache = type === 'bfloat16' ? { k: roundedTensor(all.k), v: roundedTensor(all.v) } : {};
      const whole = await runOn('ops', attentionProgram(shape), { ...all, ...inCache, ...tensors });
      const results: Record<string, readonly Tensor[]> = {};
      for (const name of ['ops', 'ffi'] as const) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        const step = await (await openRuntime(name)).compile(cachedProgram(shape, type));
        const keys = zeros(type, [size]);
        const values = zeros(type, [size / headDim, headDim]);
        results[name] = [keys, values];
        for (let position = 0; position < length; position++) {
          const tokens = Array.from(
            { length: rows },
            (_, row) => packing.places[row * packing.length + position] as number,
          );
          const line = (of: 'q' | 'k' | 'v', number: number) => rowsOf(all[of], tokens, [rows, number, headDim]);
          const one = { q: line('q', queryHeads), k: line('k', kvHeads), v: line('v', kvHeads) };
          const positions = indexTensor(new Int32Array(rows).fill(position), [rows]);
          const inputs = { ...one, positions, table, keys, values };
          // oxlint-disable-next-line no-await-in-loop -- each token reads what those before it wrote
          const { out } = await step.run(inputs, { 'next.keys': keys, 'next.values': values });
          const expected = rowsOf(whole['out'] as Tensor, tokens, [rows, queryHeads, headDim]);
          if (name === 'ops') expect(out?.data).toEqual(expected.data);
          else expectClose('out', out, expected);
        }
      }
      expect(results['ops']).toEqual(results['ffi']);
    },
  );

  testWithOps('refuses a table with a block that is not there', async () => {
    const program = cachedProgram([4, 2, 8]);
    const inputs = {
      q: random([1, 4, 8], 1),
      k: random([1, 2, 8], 2),
      v: random([1, 2, 8], 3),
      positions: indexTensor([16], [1]),
      table: indexTensor([0, 2], [1, 2]),
      keys: floatTensor(new Float32Array(512), [512]),
      values: floatTensor(new Float32Array(512), [64, 8]),
    };
    await expect(runOn('ops', program, inputs)).rejects.toThrow(
      'CachedAttention: input table: found 2, expected 0 to 1',
    );
    const tooFar = { ...inputs, table: indexTensor([0, 1], [1, 2]), positions: indexTensor([32], [1]) };
    await expect(runOn('ops', program, tooFar)).rejects.toThrow('input positions: found 32, expected 0 to 31');
  });
});

testWithOps.each([
  [2, 3, 5],
  [7, 33, 40],
  [64, 130, 96],
])(
  'a linear layer of %i rows, %i to %i, is that of its body, and its rows do not depend on each other',
  async (m, k, n) => {
    const [x, w, c] = [input('x', ['m', k]), input('w', [n, k]), input('c', ['m', n])];
    const program = writeProgram([x, w, c], { y: linear(x, w, c), z: linear(x, w) });
    const inputs = { x: random([m, k], 1), w: random([n, k], 2), c: random([m, n], 3) };
    const [kernels, bodies] = await onBoth(program, inputs);
    for (const name of ['y', 'z']) expectClose(name, kernels[name], bodies[name]);
    for (let row = 0; row < m; row++) {
      const one = { x: rowsOf(inputs.x, [row], [1, k]), w: inputs.w, c: rowsOf(inputs.c, [row], [1, n]) };
      // oxlint-disable-next-line no-await-in-loop -- one row after the other
      const alone = await runOn('ops', program, one);
      for (const name of ['y', 'z'])
        expect(alone[name]?.data).toEqual(rowsOf(kernels[name] as Tensor, [row], [1, n]).data);
    }
  },
);

function attentionProgram([queryHeads, kvHeads, headDim]: readonly [number, number, number]): OnnxProgram {
  const [q, k, v] = [
    input('q', ['T', queryHeads, headDim]),
    input('k', ['T', kvHeads, headDim]),
    input('v', ['T', kvHeads, headDim]),
  ];
  const at = { places: input('places', ['R', 'L'], 'int64'), origins: input('origins', ['T'], 'int64') };
  const g = input('g', q.shape);
  const { out } = attention(q, k, v, at);
  const [dq, dk, dv] = pullback(new Map([[out, g]]), [q, k, v]) as [Value, Value, Value];
  return writeProgram([q, k, v, at.places, at.origins, g], { out, dq, dk, dv });
}

function cachedProgram(
  [queryHeads, kvHeads, headDim]: readonly [number, number, number],
  type: 'float32' | 'bfloat16' = 'float32',
): OnnxProgram {
  const [q, k, v] = [
    input('q', ['B', queryHeads, headDim]),
    input('k', ['B', kvHeads, headDim]),
    input('v', ['B', kvHeads, headDim]),
  ];
  const [positions, table] = [input('positions', ['B'], 'int64'), input('table', ['B', 'N'], 'int64')];
  const cache = { keys: input('keys', ['K'], type), values: input('values', ['C', headDim], type) };
  const { out, keys, values } = cachedAttention(q, k, v, { positions, table }, cache);
  return writeProgram([q, k, v, positions, table, cache.keys, cache.values], {
    out,
    'next.keys': keys,
    'next.values': values,
  });
}

/** Sequences as tensors; if nobody says which, some of them share a prompt. */
function packed(
  sequences = [3, 40, 17, 1].map((own, index) => ({
    shared: tokenIds(index < 3 ? 37 : 5, 50),
    own: tokenIds(own, 50, index),
  })),
) {
  const { ids, places, origins, rows, length } = packSequences(sequences);
  return {
    count: ids.length,
    tensors: { places: indexTensor(places, [rows, length]), origins: indexTensor(origins, [ids.length]) },
  };
}

function roundedTensor({ data, dims }: Tensor<'float32'>): Tensor<'float32'> {
  return floatTensor(rounded(data), dims);
}

function randomHeads(count: number, [queryHeads, kvHeads, headDim]: readonly [number, number, number]) {
  return {
    q: random([count, queryHeads, headDim], 1),
    k: random([count, kvHeads, headDim], 2),
    v: random([count, kvHeads, headDim], 3),
    g: random([count, queryHeads, headDim], 4),
  };
}
