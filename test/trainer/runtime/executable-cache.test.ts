import { expect, test } from '@jest/globals';
import { input, scalar } from '../../../trainer/graph/value.ts';
import { writeProgram } from '../../../trainer/graph/writer.ts';
import { multiply } from '../../../trainer/ops/elementwise.ts';
import { ExecutableCache } from '../../../trainer/runtime/executable-cache.ts';
import { openRuntime } from '../../../trainer/runtime/open-runtime.ts';
import { floats, floatTensor, indexTensor } from '../../../trainer/runtime/tensor.ts';

/** y = factor · x */
function scaling(factor: number) {
  const x = input('x', [2]);
  return writeProgram([x], { y: multiply(x, scalar(factor)) });
}

test('a program is compiled once while it stays among the most recently used', async () => {
  const compiled: string[] = [];
  const cache = new ExecutableCache(await openRuntime('stock'), 2);
  const open = async (key: string) =>
    cache.get(key, () => {
      compiled.push(key);
      return scaling(Number(key));
    });
  for (const key of ['1', '2', '1', '3', '1', '2']) await open(key);
  expect(compiled).toEqual(['1', '2', '3', '2']);

  const outputs = await (await open('2')).run({ x: floatTensor(Float32Array.of(1, 2), [2]) });
  expect(floats(outputs, 'y')).toEqual(Float32Array.of(2, 4));
});

test('a missing output is named', () => {
  expect(() => floats({}, 'y')).toThrow('the program has no float32 output y');
});

test('token ids become int64', () => {
  expect(indexTensor([0, 1, 2 ** 31 - 1], [3]).data).toEqual(BigInt64Array.of(0n, 1n, 2n ** 31n - 1n));
});
