import { describe, expect, test } from '@jest/globals';
import { input, scalar } from '../../../trainer/graph/value.ts';
import { writeProgram } from '../../../trainer/graph/writer.ts';
import { add, multiply } from '../../../trainer/ops/elementwise.ts';
import { FfiRuntime } from '../../../trainer/runtime/ffi/ffi-runtime.ts';
import { cancelRuns, chooseRuntime, openRuntime } from '../../../trainer/runtime/open-runtime.ts';
import { floats, floatTensor, indexTensor, type Tensors } from '../../../trainer/runtime/tensor.ts';

/** y = 3 a + b for any number N of numbers. */
function program() {
  const [a, b] = [input('a', ['N']), input('b', ['N'])];
  return writeProgram([a, b], { y: add(multiply(a, scalar(3)), b) });
}

const numbers = (...values: number[]) => floatTensor(Float32Array.from(values), [values.length]);

describe.each(['stock', 'ffi'] as const)('the %s runtime', (name) => {
  const open = async () => (await openRuntime(name)).compile(program());

  test('runs a program, whatever its symbolic dimensions are', async () => {
    const executable = await open();
    expect(floats(await executable.run({ a: numbers(1, 2), b: numbers(10, 20) }), 'y')).toEqual(
      Float32Array.of(13, 26),
    );
    expect(floats(await executable.run({ a: numbers(1), b: numbers(1) }), 'y')).toEqual(Float32Array.of(4));
  });

  test('a bound program reads what its inputs hold, and writes where its outputs lie', async () => {
    const [a, b, y] = [numbers(1, 2), numbers(1, 1), numbers(0, 0)];
    const bound = (await open()).bind({ a, b }, { y });
    await bound.run();
    expect(y.data).toEqual(Float32Array.of(4, 7));
    a.data.set([5, 6]);
    await bound.run();
    expect(y.data).toEqual(Float32Array.of(16, 19));
  });

  test.each<[string, Tensors, Tensors, string]>([
    ['a missing input', { a: numbers(1) }, {}, 'input b: found no tensor, expected float32 [N]'],
    ['another type', { a: indexTensor([1], [1]), b: numbers(1) }, {}, 'input a: found int64 [1], expected float32 [N]'],
    [
      'another rank',
      { a: floatTensor(new Float32Array(4), [2, 2]), b: numbers(1) },
      {},
      'input a: found float32 [2, 2]',
    ],
    ['sizes that differ', { a: numbers(1, 2), b: numbers(1) }, {}, 'input b: found float32 [1], expected float32 [2]'],
    [
      'a negative size',
      { a: floatTensor(new Float32Array(1), [-1]), b: numbers(1) },
      {},
      'input a: found float32 [-1]',
    ],
    [
      'too little memory',
      { a: floatTensor(new Float32Array(1), [2]), b: numbers(1, 2) },
      {},
      'found 1 numbers in a Float32Array, expected 2',
    ],
    [
      'an output of another size',
      { a: numbers(1), b: numbers(1) },
      { y: numbers(1, 2) },
      'output y: found float32 [2]',
    ],
  ])('%s is refused by name', async (_, inputs, outputs, message) => {
    const executable = await open();
    expect(() => executable.bind(inputs, outputs)).toThrow(message);
  });

  test('bytes that are no program are refused in the library’s words', async () => {
    const broken = { ...program(), bytes: Uint8Array.of(1, 2, 3) };
    await expect((await openRuntime(name)).compile(broken)).rejects.toThrow(/protobuf|model/i);
  });

  test('a released program does not run', async () => {
    const executable = await open();
    const bound = executable.bind({ a: numbers(1), b: numbers(1) });
    await executable.release();
    await executable.release();
    bound.release();
    await expect(bound.run()).rejects.toThrow('the program has been released');
    expect(() => executable.bind({ a: numbers(1), b: numbers(1) })).toThrow('the program has been released');
  });

  test('memory that was taken away is refused', async () => {
    const a = numbers(1, 2);
    const bound = (await open()).bind({ a, b: numbers(1, 1) });
    (a.data.buffer as ArrayBuffer).transfer();
    await expect(bound.run()).rejects.toThrow('a: found 0 bytes, expected the 8 that were bound');
  });
});

const shared = (...values: number[]) => {
  const data = new Float32Array(new SharedArrayBuffer(4 * values.length));
  data.set(values);
  return floatTensor(data, [values.length]);
};

test('the ffi runtime works in shared memory, and an output may lie in an input’s', async () => {
  const executable = await (await openRuntime('ffi')).compile(program());
  const [a, sum] = [shared(1, 2), shared(0, 0)];
  const bound = executable.bind({ a, b: sum }, { y: sum });
  for (let i = 0; i < 3; i++) await bound.run(); // oxlint-disable-line no-await-in-loop -- one after the other
  expect([...sum.data]).toEqual([9, 18]);
});

test('a cancelled runtime ends what it runs', async () => {
  const runtime = FfiRuntime.open();
  const bound = (await runtime.compile(program())).bind({ a: numbers(1), b: numbers(1) });
  await bound.run();
  cancelRuns(runtime.cancellation);
  await expect(bound.run()).rejects.toThrow(/terminate flag/);
});

test.each(['ffi', 'stock'] as const)('R1_RUNTIME=%s chooses it', (name) => {
  expect(chooseRuntime(name)).toEqual({ name });
});

test('an unknown runtime is refused', () => {
  expect(() => chooseRuntime('cuda')).toThrow('R1_RUNTIME: found "cuda", expected ops, ffi, stock or nothing');
});
