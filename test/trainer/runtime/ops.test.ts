import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from '@jest/globals';
import { type Value, input, kernel } from '../../../trainer/graph/value.ts';
import { writeProgram } from '../../../trainer/graph/writer.ts';
import { negate } from '../../../trainer/ops/elementwise.ts';
import { gemm } from '../../../trainer/ops/linalg.ts';
import { chooseRuntime, openRuntime } from '../../../trainer/runtime/open-runtime.ts';
import { floatTensor, type Tensor } from '../../../trainer/runtime/tensor.ts';
import { testWithOps } from '../../support/with-ops.ts';

testWithOps('the runtime with kernels is the usual one where they are built', () => {
  expect(chooseRuntime(undefined)).toEqual({
    name: 'ops',
    ops: expect.stringMatching(/^[0-9a-f]{16} (generic|avx2|avx512|avx512bf16)$/),
  });
});

testWithOps.each([
  ['ops', 11],
  ['ffi', -11],
  ['stock', -11],
] as const)('the runtime %s computes a kernel or its body', async (name, expected) => {
  const [x, w] = [input('x', ['m', 2]), input('w', [1, 2])];
  const [y] = kernel('Linear', [x, w], [negate(gemm(x, w, { transB: true }))]) as [Value]; // a body that can be told from the kernel
  const runtime = await openRuntime(name);
  const executable = await runtime.compile(writeProgram([x, w], { y }));
  const outputs = await executable.run({ x: floats([1, 2], [1, 2]), w: floats([3, 4], [1, 2]) });
  expect(outputs['y']?.data).toEqual(Float32Array.of(expected));
});

testWithOps('a kernel that is given wrong shapes fails with its name, the input, and what was found', async () => {
  const [x, w] = [input('x', ['m', 'k']), input('w', ['n', 'l'])];
  const [y] = kernel('Linear', [x, w], [negate(x)]) as [Value];
  const executable = await (await openRuntime('ops')).compile(writeProgram([x, w], { y }));
  await expect(executable.run({ x: floats([1, 2, 3, 4], [2, 2]), w: floats([1, 2, 3], [1, 3]) })).rejects.toThrow(
    'Linear: input w: found shape [1, 3], expected [1, 2]',
  );
});

const heads = (name: string, count: number) => [name, [1, count, 2]] as const;
const places = [
  ['places', [1, 1]],
  ['origins', [1]],
] as const;
const cache = [
  ['positions', [1]],
  ['table', [1, 1]],
  ['keys', [64]],
  ['values', [32, 2]],
] as const;

testWithOps.each([
  {
    op: 'Linear',
    given: [
      ['x', [2, 2]],
      ['w', [1, 2, 16]],
    ],
    words: 'input w: found shape [1, 2, 16], expected 2 dimensions',
  },
  {
    op: 'LinearPacked',
    given: [
      ['x', [2, 2]],
      ['panels', [16, 2]],
    ],
    words: 'input panels: found shape [16, 2], expected 3 dimensions',
  },
  {
    op: 'Attention',
    given: [heads('q', 0), heads('k', 0), heads('v', 0), ...places],
    words: 'input k: found shape [1, 0, 2], expected [1, 1, 2]',
  },
  {
    op: 'Attention',
    given: [heads('q', 0), heads('k', 1), heads('v', 1), ...places],
    words: 'input q: found shape [1, 0, 2], expected [1, 1, 2]',
  },
  {
    op: 'Attention',
    given: [heads('q', 3), heads('k', 2), heads('v', 2), ...places],
    words: 'input q: found shape [1, 3, 2], expected [1, 2, 2]',
  },
  {
    op: 'CachedAttention',
    given: [heads('q', 0), heads('k', 0), heads('v', 0), ...cache],
    words: 'input k: found shape [1, 0, 2], expected [1, 1, 2]',
  },
] as const)('$op refuses what it has no place for: $words', async ({ op, given, words }) => {
  const integers = ['places', 'origins', 'positions', 'table'];
  const tensors = given.map(([name, dims]): [string, Tensor] => {
    const count = dims.reduce((product: number, size) => product * size, 1);
    const isInteger = integers.includes(name);
    const data = isInteger ? new BigInt64Array(count) : new Float32Array(count);
    return [name, { type: isInteger ? 'int64' : 'float32', dims: [...dims], data }];
  });
  const inputs = tensors.map(([name, { type, dims }]) =>
    input(
      name,
      dims.map((_, at) => `${name}${at}`),
      type,
    ),
  );
  const [first] = inputs as [Value, ...Value[]];
  const outputs = { Attention: 2, CachedAttention: 3 }[op as string] ?? 1;
  const made = kernel(
    op,
    inputs,
    Array.from({ length: outputs }, () => negate(first)),
  );
  const named = Object.fromEntries(made.map((value, at) => [`y${at}`, value]));
  const executable = await (await openRuntime('ops')).compile(writeProgram(inputs, named));
  await expect(executable.run(Object.fromEntries(tensors))).rejects.toThrow(`${op}: ${words}`);
});

// Of twelve processes one failed when no thread was the first.
testWithOps('threads may make their first sessions at the same time', async () => {
  const program = fileURLToPath(new URL('../../support/compile-in-threads.ts', import.meta.url));
  const env = { ...process.env, NODE_OPTIONS: '' };
  for (let attempt = 0; attempt < 4; attempt++) {
    // oxlint-disable-next-line no-await-in-loop -- more at once would disturb each other
    expect(await promisify(execFile)(process.execPath, [program], { env })).toEqual({ stdout: '', stderr: '' });
  }
});

function floats(values: readonly number[], dims: readonly number[]): Tensor {
  return floatTensor(Float32Array.from(values), dims);
}
