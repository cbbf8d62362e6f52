import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isOutOfMemory } from '../../../trainer/contract/process/out-of-memory.ts';
import { type DeviceMemory, deviceRows, deviceTensor, peerRows } from '../../../trainer/runtime/device-memory.ts';
import { CountedMemory } from '../../../trainer/runtime/ffi/counted-memory.ts';
import { type CudaCalls, openCudaCalls } from '../../../trainer/runtime/ffi/cuda-calls.ts';
import { cudaMemoryCalls } from '../../../trainer/runtime/ffi/cuda-memory.ts';
import type { DeviceTensor } from '../../../trainer/runtime/tensor.ts';
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
    memory = new CountedMemory(
      cudaMemoryCalls(cuda, { memory: 0n, gpu: 0, stream: cuda.make('cudaStreamCreateWithFlags', 1) }),
    );
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
    expect(memory.traffic).toEqual({
      allocations: before.allocations,
      bytesIn: 24,
      bytesOut: 40,
      bytesFromPeers: 0,
      waits: 2,
    });
    memory.free(a);
    expect(() => memory.copyOut(matrix, all)).toThrow('found memory that has been freed');
  });

  test('memory in use is that of all who use the GPU', () => {
    cuda.make('cudaMalloc', 4096); // by another
    memory.allocate(1024);
    expect(memory.mostBytes).toBeGreaterThanOrEqual(40 + 4096 + 1024);
  });

  test.each([
    ['by itself once it has been let', 1],
    ['through the driver where it cannot reach it', 2],
  ])('from another GPU it copies %s', (_, gpu) => {
    const stream = cuda.make('cudaStreamCreateWithFlags', 1);
    const peer = new CountedMemory(cudaMemoryCalls(cuda, { memory: 0n, gpu, stream }));
    const [theirs, ours] = [peer, memory].map((of) => deviceTensor('float32', [4], of.allocate(16))) as [
      DeviceTensor<'float32'>,
      DeviceTensor<'float32'>,
    ];
    peer.copyIn(Float32Array.of(1, 2, 3, 4), theirs);
    const exposed = peer.expose(theirs);
    const before = memory.traffic;
    for (const [start, end] of [
      [2, 4],
      [0, 2],
    ] as const) {
      memory.copyFromPeer(peerRows(exposed, start, end), deviceRows(ours, 2 - start, 4 - start));
    }
    memory.finish();
    const numbers = new Float32Array(4);
    memory.copyOut(ours, numbers);
    expect([...numbers]).toEqual([3, 4, 1, 2]);
    expect(memory.traffic).toEqual({
      ...before,
      bytesOut: before.bytesOut + 16,
      bytesFromPeers: before.bytesFromPeers + 16,
      waits: before.waits + 2,
    });
    expect(() => memory.copyFromPeer(exposed, deviceRows(ours, 0, 2))).toThrow(
      'copying 16 bytes of a device: found room for 8',
    );
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
