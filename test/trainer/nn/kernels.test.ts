import { describe, expect } from '@jest/globals';
import type { OnnxProgram } from '../../../trainer/graph/program.ts';
import { type Value, input } from '../../../trainer/graph/value.ts';
import { writeProgram } from '../../../trainer/graph/writer.ts';
import { packSequences } from '../../../trainer/models/packing.ts';
import { attention } from '../../../trainer/nn/attention.ts';
import { cachedAttention } from '../../../trainer/nn/cached-attention.ts';
import { linear } from '../../../trainer/ops/linalg.ts';
import { pullback } from '../../../trainer/autodiff/reverse.ts';
import { openRuntime } from '../../../trainer/runtime/open-runtime.ts';
import { floatTensor, indexTensor, type Tensor } from '../../../trainer/runtime/tensor.ts';
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

  testWithOps.each(heads)('of one token of %i and %i heads of %i has the bits of whole sequences', async (...shape) => {
    const [queryHeads, kvHeads, headDim] = shape;
    const [rows, length, width] = [3, 70, 96];
    const sequences = Array.from({ length: rows }, (_, row) => ({ shared: [], own: tokenIds(length, 50, row) }));
    const { tensors, count } = packed(sequences);
    const all = randomHeads(count, shape);
    const runtime = await openRuntime('ops');
    const whole = await (await runtime.compile(attentionProgram(shape))).run({ ...all, ...tensors });
    const step = await runtime.compile(cachedProgram(shape));
    const cache = () =>
      floatTensor(new Float32Array(rows * kvHeads * width * headDim), [rows * kvHeads * width, headDim]);
    const [keys, values] = [cache(), cache()];
    for (let position = 0; position < length; position++) {
      const tokens = Array.from({ length: rows }, (_, row) => row * length + position);
      const line = (name: 'q' | 'k' | 'v', number: number) => rowsOf(all[name], tokens, [rows, number, headDim]);
      const one = { q: line('q', queryHeads), k: line('k', kvHeads), v: line('v', kvHeads) };
      const positions = indexTensor(new Int32Array(rows).fill(position), [rows]);
      // oxlint-disable-next-line no-await-in-loop -- each token reads what those before it wrote
      const { out } = await step.run({ ...one, positions, keys, values }, { 'next.keys': keys, 'next.values': values });
      expect(out?.data).toEqual(rowsOf(whole['out'] as Tensor, tokens, [rows, queryHeads, headDim]).data);
    }
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

function cachedProgram([queryHeads, kvHeads, headDim]: readonly [number, number, number]): OnnxProgram {
  const [q, k, v] = [
    input('q', ['B', queryHeads, headDim]),
    input('k', ['B', kvHeads, headDim]),
    input('v', ['B', kvHeads, headDim]),
  ];
  const positions = input('positions', ['B'], 'int64');
  const cache = { keys: input('keys', ['C', headDim]), values: input('values', ['C', headDim]) };
  const { out, keys, values } = cachedAttention(q, k, v, positions, cache);
  return writeProgram([q, k, v, positions, cache.keys, cache.values], {
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

function randomHeads(count: number, [queryHeads, kvHeads, headDim]: readonly [number, number, number]) {
  return {
    q: random([count, queryHeads, headDim], 1),
    k: random([count, kvHeads, headDim], 2),
    v: random([count, kvHeads, headDim], 3),
    g: random([count, queryHeads, headDim], 4),
  };
}
