import { expect, test } from '@jest/globals';

import { alignedZeros, zeros } from '../../../trainer/runtime/aligned-memory.ts';
import { openKoffi } from '../../../trainer/runtime/ffi/open-koffi.ts';

const lineBytes = 64n;
const koffi = openKoffi();

test.each(['float32', 'bfloat16', 'float64', 'int64', 'int32'] as const)('zeros of %s begin with a line', (type) => {
  for (const count of [0, 1, 100, 1000, 1 << 20]) {
    const numbers = alignedZeros(type, count);
    expect(numbers).toHaveLength(count);
    expect(numbers.every((number) => Number(number) === 0)).toBe(true);
    expect((koffi.address(new Uint8Array(numbers.buffer)) + BigInt(numbers.byteOffset)) % lineBytes).toBe(0n);
  }
});

test('shared memory begins with a line, too', () => {
  const numbers = alignedZeros('float32', 1 << 20, (bytes) => new SharedArrayBuffer(bytes));
  expect(numbers.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(koffi.address(numbers) % lineBytes).toBe(0n);
});

test('a tensor of zeros has the numbers of its dimensions', () => {
  const { type, dims, data } = zeros('int64', [3, 5]);
  expect({ type, dims, count: data.length }).toEqual({ type: 'int64', dims: [3, 5], count: 15 });
});
