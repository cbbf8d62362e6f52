import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type DeviceMemory, deviceRows, deviceTensor, pinnedBytes } from '../../../trainer/runtime/device-memory.ts';
import { CountedMemory } from '../../../trainer/runtime/ffi/counted-memory.ts';
import { openCudaCalls } from '../../../trainer/runtime/ffi/cuda-calls.ts';
import { cudaMemoryCalls } from '../../../trainer/runtime/ffi/cuda-memory.ts';
import { openKoffi } from '../../../trainer/runtime/ffi/open-koffi.ts';
import { failureResult } from '../../../trainer/stages/failure.ts';
import { canCompile, compileLibrary } from '../../support/compile-library.ts';

const fake = 'test/trainer/runtime/fake-cuda/cudart.c';
/** Of this many numbers half of the pinned memory is full. */
const half = pinnedBytes / 2 / 4;

/** What answers CUDA's calls does nothing before somebody waits for it, and refuses to copy to or from pageable memory. */
(canCompile ? describe : describe.skip)('memory by which numbers go in and out of a GPU', () => {
  let root: string;
  let memory: DeviceMemory;
  let waits: () => number;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'r1-cuda-'));
    const path = compileLibrary(fake, join(root, 'libcudart.so'), { R1_MEMORY: 2 ** 28 });
    memory = open(path);
    waits = openKoffi().load(path).func('int r1Waits()') as () => number;
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  test('numbers go in without a wait for those before them, whose arrays are used again meanwhile', () => {
    const rows = deviceTensor('float32', [1000, 4], memory.allocate(16_000));
    const values = new Float32Array(4);
    const before = waits();
    for (let row = 0; row < 1000; row++) {
      values.set([row, row + 0.25, row + 0.5, row + 0.75]);
      memory.copyIn(values, deviceRows(rows, row, row + 1));
    }
    expect(waits()).toBe(before);
    expect([...read(memory, rows)]).toEqual(Array.from({ length: 4000 }, (_, at) => at / 4));
    expect(waits()).toBe(before + 1);
  });

  test.each([1, half - 1, half, half + 1, 2 * half, 2 * half + 3, 5 * half - 7])(
    '%s numbers go in and out whole, with a wait for each half of the pinned memory at most',
    (count) => {
      const tensor = deviceTensor('float32', [count], memory.allocate(4 * count));
      const values = Float32Array.from({ length: count }, (_, at) => (7 * at) % 1_000_003);
      const before = waits();
      memory.copyIn(values, tensor);
      const numbers = read(memory, tensor);
      expect(Buffer.compare(Buffer.from(numbers.buffer), Buffer.from(values.buffer))).toBe(0);
      expect(waits() - before).toBeLessThanOrEqual(2 * Math.ceil(count / half) + 1);
      memory.free(tensor.buffer);
    },
  );

  test('what is read is what was asked for before, and what is asked for later changes none of it', () => {
    const [a, b] = [1, 2].map(() => deviceTensor('float32', [2], memory.allocate(8))) as [
      ReturnType<typeof deviceTensor<'float32'>>,
      ReturnType<typeof deviceTensor<'float32'>>,
    ];
    memory.copyIn(Float32Array.of(1, 2), a);
    memory.copy(a, b);
    memory.copyIn(Float32Array.of(3, 4), a);
    const first = read(memory, b);
    memory.fillWithZeros(b);
    expect([...first, ...read(memory, a), ...read(memory, b)]).toEqual([1, 2, 3, 4, 0, 0]);
  });

  test('several lists are read with one wait', () => {
    const tensors = [3, 5, 7].map((count) => deviceTensor('float32', [count], memory.allocate(4 * count)));
    for (const tensor of tensors) memory.fillWithZeros(tensor);
    const before = [waits(), memory.traffic.waits];
    const copies = tensors.map((from) => ({ from, to: new Float32Array(from.dims[0] as number).fill(1) }));
    memory.copyAllOut(copies);
    expect([waits(), memory.traffic.waits]).toEqual(before.map((count) => count + 1));
    expect(copies.flatMap(({ to }) => [...to])).toEqual(Array.from({ length: 15 }, () => 0));
  });

  test('where the system locks no memory it is out of memory, in words', () => {
    const path = compileLibrary(fake, join(root, 'unlocked.so'), { R1_MEMORY: 2 ** 20, R1_LOCKED: 0 });
    let failure: unknown;
    try {
      open(path);
    } catch (error) {
      failure = error;
    }
    expect(failureResult(failure)).toMatchObject({
      reason: 'outOfMemory',
      message: expect.stringContaining(
        'locked memory of the process, for copies to and from the GPU: found none, expected 4 MiB more',
      ),
    });
  });
});

function open(path: string): DeviceMemory {
  const cuda = openCudaCalls(path);
  const stream = cuda.make('cudaStreamCreateWithFlags', 1);
  return new CountedMemory(cudaMemoryCalls(cuda, { memory: 0n, gpu: 0, stream }));
}

function read(memory: DeviceMemory, tensor: ReturnType<typeof deviceTensor<'float32'>>): Float32Array {
  const numbers = new Float32Array(tensor.dims.reduce((product, size) => product * size, 1));
  memory.copyOut(tensor, numbers);
  return numbers;
}
