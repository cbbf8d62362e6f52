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
