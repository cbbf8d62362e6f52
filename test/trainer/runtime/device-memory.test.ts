import { expect, test } from '@jest/globals';
import { input, scalar } from '../../../trainer/graph/value.ts';
import { writeProgram } from '../../../trainer/graph/writer.ts';
import { add, multiply } from '../../../trainer/ops/elementwise.ts';
import { type DeviceMemory, deviceRows, deviceTensor } from '../../../trainer/runtime/device-memory.ts';
import { FfiRuntime } from '../../../trainer/runtime/ffi/ffi-runtime.ts';
import { openRuntime } from '../../../trainer/runtime/open-runtime.ts';
import { floatTensor } from '../../../trainer/runtime/tensor.ts';
import { collectGarbage } from '../../support/collect-garbage.ts';

const runtime = FfiRuntime.open();

const program = (() => {
  const [a, b] = [input('a', ['N']), input('b', ['N'])];
  return writeProgram([a, b], { y: add(multiply(a, scalar(3)), b) });
})();

function floatsOn(memory: DeviceMemory, values: readonly number[]) {
  const tensor = deviceTensor('float32', [values.length], memory.allocate(4 * values.length));
  memory.copyIn(Float32Array.from(values), tensor);
  return tensor;
}

function read(memory: DeviceMemory, tensor: ReturnType<typeof floatsOn>): number[] {
  const numbers = new Float32Array(tensor.dims[0] as number);
  memory.copyOut(tensor, numbers);
  return [...numbers];
}

test('a program reads and writes tensors of a device where they lie, beside those of the process', async () => {
  const memory = runtime.deviceMemory();
  const executable = await runtime.compile(program);
  const a = floatsOn(memory, [1, 2, 3]);
  const outputs = await executable.run({ a, b: floatTensor(Float32Array.of(10, 20, 30), [3]) }, { y: a });
  expect(read(memory, a)).toEqual([13, 26, 39]);
  expect(outputs).toEqual({}); // whoever binds an output knows where it lies
});

test('what is bound is run with what the device holds by then, whatever the garbage collector does', async () => {
  const memory = runtime.deviceMemory();
  const executable = await runtime.compile(program);
  const [a, b, y] = [floatsOn(memory, [0]), floatsOn(memory, [1]), floatsOn(memory, [0])];
  const bound = executable.bind({ a, b }, { y });
  const results: number[] = [];
  for (let i = 0; i < 20; i++) {
    memory.copyIn(Float32Array.of(i), a);
    if (i % 5 === 0) collectGarbage();
    await bound.run();
    results.push(...read(memory, y));
  }
  expect(results).toEqual(Array.from({ length: 20 }, (_, i) => 3 * i + 1));
});

test('memory that nobody has written to holds no number', () => {
  const memory = runtime.deviceMemory();
  expect(read(memory, deviceTensor('float32', [3], memory.allocate(12)))).toEqual([NaN, NaN, NaN]);
});

test('rows are views of their tensor, copies and zeros are not', () => {
  const memory = runtime.deviceMemory();
  const matrix = deviceTensor('float32', [3, 2], floatsOn(memory, [1, 2, 3, 4, 5, 6]).buffer);
  const [first, rest] = [deviceRows(matrix, 0, 1), deviceRows(matrix, 1, 3)];
  const other = deviceTensor('float32', [2, 2], memory.allocate(16));
  memory.copy(rest, other);
  memory.fillWithZeros(deviceRows(rest, 0, 1));
  memory.copy(deviceRows(rest, 1, 2), first);
  const all = new Float32Array(6);
  memory.copyOut(matrix, all);
  expect([...all]).toEqual([5, 6, 0, 0, 5, 6]);
  const copied = new Float32Array(4);
  memory.copyOut(other, copied);
  expect([...copied]).toEqual([3, 4, 5, 6]);
});

test('every allocation and every byte over the border is counted', async () => {
  const memory = runtime.deviceMemory();
  const a = floatsOn(memory, [1, 2, 3]);
  const b = floatsOn(memory, [1, 2, 3]);
  memory.copy(a, b);
  await (await runtime.compile(program)).run({ a, b }, { y: b });
  read(memory, deviceRows(b, 1, 3));
  expect(memory.traffic).toEqual({ allocations: 2, bytesIn: 24, bytesOut: 8, bytesFromPeers: 0, waits: 1 });
});

test.each([
  {
    name: 'copying another number of numbers in',
    act: (memory: DeviceMemory) => memory.copyIn(new Float32Array(2), floatsOn(memory, [1, 2, 3])),
    message: 'found 2 numbers in a Float32Array, expected 12 bytes in a Float32Array',
  },
  {
    name: 'copying numbers of another type in',
    act: (memory: DeviceMemory) => memory.copyIn(new Int32Array(3) as never, floatsOn(memory, [1, 2, 3])),
    message: 'found 3 numbers in a Int32Array, expected 12 bytes in a Float32Array',
  },
  {
    name: 'copying more than there is room for',
    act: (memory: DeviceMemory) => memory.copy(floatsOn(memory, [1, 2, 3]), floatsOn(memory, [1])),
    message: 'copying 12 bytes of a device: found room for 4',
  },
  {
    name: 'a tensor larger than its buffer',
    act: (memory: DeviceMemory) => deviceTensor('int64', [2, 2], memory.allocate(24)),
    message: 'a tensor int64 [2, 2] of a device: found 24 bytes, expected 32 from byte 0 on',
  },
  {
    name: 'a tensor between two numbers',
    act: (memory: DeviceMemory) => deviceTensor('float32', [1], memory.allocate(24), 3),
    message: 'a tensor float32 [1] of a device: found 24 bytes, expected 4 from byte 3 on',
  },
  {
    name: 'rows that a tensor does not have',
    act: (memory: DeviceMemory) => deviceRows(floatsOn(memory, [1, 2]), 1, 3),
    message: 'rows 1 … 3 of a tensor [2]: found no such rows',
  },
  {
    name: 'no memory at all',
    act: (memory: DeviceMemory) => memory.allocate(0),
    message: 'found 0 bytes, expected some to allocate',
  },
  {
    name: 'reading freed memory',
    act: (memory: DeviceMemory) => {
      const tensor = floatsOn(memory, [1]);
      memory.free(tensor.buffer);
      read(memory, tensor);
    },
    message: 'a tensor float32 [1] of a device: found memory that has been freed',
  },
  {
    name: 'freeing twice',
    act: (memory: DeviceMemory) => {
      const { buffer } = floatsOn(memory, [1]);
      memory.free(buffer);
      memory.free(buffer);
    },
    message: 'found a buffer that has been freed',
  },
  {
    name: 'memory of another device',
    act: (memory: DeviceMemory) => read(memory, floatsOn(runtime.deviceMemory(), [1])),
    message: 'found a buffer that is of another device',
  },
])('refused: $name', ({ act, message }) => {
  expect(() => act(runtime.deviceMemory())).toThrow(message);
});

test('a program refuses tensors whose memory has been freed, when they are bound and when they are run', async () => {
  const memory = runtime.deviceMemory();
  const executable = await runtime.compile(program);
  const [a, b] = [floatsOn(memory, [1]), floatsOn(memory, [2])];
  const bound = executable.bind({ a, b }, { y: b });
  memory.free(a.buffer);
  await expect(bound.run()).rejects.toThrow('a: found 0 bytes, expected the 4 that were bound');
  bound.release();
  expect(() => executable.bind({ a, b })).toThrow('found memory that has been freed');
  expect(() => executable.bind({ a: b, b: { ...b, dims: [2] } })).toThrow('expected float32 [1]');
});

test('the stock binding says that it has no devices', async () => {
  const stock = await (await openRuntime('stock')).compile(program);
  const memory = runtime.deviceMemory();
  const a = floatsOn(memory, [1]);
  expect(() => stock.bind({ a, b: a })).toThrow('a: found a tensor of a device, expected one of this process');
});

test('the most that was held at a time is told, whatever was freed since', () => {
  const memory = runtime.deviceMemory();
  const [a] = [memory.allocate(100), memory.allocate(50)];
  memory.free(a);
  memory.allocate(60);
  expect(memory.mostBytes).toBe(150);
});
