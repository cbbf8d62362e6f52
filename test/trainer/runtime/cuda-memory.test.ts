import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isOutOfMemory } from '../../../trainer/contract/out-of-memory.ts';
import { type DeviceMemory, deviceRows, deviceTensor } from '../../../trainer/runtime/device-memory.ts';
import { CountedMemory } from '../../../trainer/runtime/ffi/counted-memory.ts';
import { type CudaCalls, openCudaCalls } from '../../../trainer/runtime/ffi/cuda-calls.ts';
import { cudaMemoryCalls } from '../../../trainer/runtime/ffi/cuda-memory.ts';
import { failureResult } from '../../../trainer/stages/failure.ts';
import { canCompile, compileLibrary } from '../../support/compile-library.ts';

/** The calls are those of a GPU; what answers them has the memory of the process. */
(canCompile ? describe : describe.skip)("memory by CUDA's calls", () => {
  let root: string;
  let cuda: CudaCalls;
  let memory: DeviceMemory;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'r1-cuda-'));
    const path = join(root, 'libcudart.so');
    cuda = openCudaCalls(compileLibrary('test/trainer/runtime/fake-cuda/cudart.c', path, { R1_MEMORY: 2 ** 20 }));
    memory = new CountedMemory(cudaMemoryCalls(cuda, 0n, cuda.make('cudaStreamCreateWithFlags', 1)));
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  test('numbers go in and out, are copied and cleared where they lie, and are counted at the border alone', () => {
    const [a, b] = [memory.allocate(24), memory.allocate(16)];
    const matrix = deviceTensor('float32', [3, 2], a);
    const other = deviceTensor('float32', [2, 2], b);
    const before = memory.traffic;
    memory.copyIn(Float32Array.of(1, 2, 3, 4, 5, 6), matrix);
    memory.copy(deviceRows(matrix, 1, 3), other);
    memory.fillWithZeros(deviceRows(matrix, 0, 1));
    const [all, copied] = [new Float32Array(6), new Float32Array(4)];
    memory.copyOut(matrix, all);
    memory.copyOut(other, copied);
    expect([[...all], [...copied]]).toEqual([
      [0, 0, 3, 4, 5, 6],
      [3, 4, 5, 6],
    ]);
    expect(memory.traffic).toEqual({ allocations: before.allocations, bytesIn: 24, bytesOut: 40 });
    memory.free(a);
    expect(() => memory.copyOut(matrix, all)).toThrow('found memory that has been freed');
  });

  test('memory in use is that of all who use the GPU', () => {
    cuda.make('cudaMalloc', 4096); // by another
    memory.allocate(1024);
    expect(memory.mostBytes).toBeGreaterThanOrEqual(40 + 4096 + 1024);
  });

  test('what nobody has written to is no number', () => {
    const numbers = new Float32Array(2);
    memory.copyOut(deviceTensor('float32', [2], memory.allocate(8)), numbers);
    expect([...numbers]).toEqual([NaN, NaN]);
  });

  test('a GPU whose memory is full is out of memory, in words', () => {
    expect(() => memory.allocate(1.5 * 2 ** 30)).toThrow(
      "memory of the GPU: found 0.00 GiB free of the GPU's 0.00, expected 1.50 more",
    );
    const failure = failureOf(() => memory.allocate(1.5 * 2 ** 30));
    expect(failureResult(failure)).toMatchObject({ reason: 'outOfMemory' });
    expect(isOutOfMemory((failure as Error).cause)).toBe(true);
  });

  test("a call that fails says so in CUDA's words", () => {
    expect(() => cuda.call('cudaSetDevice', 3)).toThrow('cudaSetDevice: invalid device ordinal (CUDA error 101)');
  });
});

function failureOf(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing failed');
}
