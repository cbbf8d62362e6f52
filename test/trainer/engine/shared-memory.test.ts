import { describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { sharedFloats, sharedHalves } from '../../../trainer/engine/threads/shared-memory.ts';
import { loadKoffi } from '../../../trainer/runtime/ffi/load-koffi.ts';

const mebibyte = 1024 * 1024;

const large = [
  { name: 'floats', make: () => sharedFloats(4 * mebibyte) },
  { name: 'floats that begin elsewhere', make: () => sharedFloats(4 * mebibyte, 3) },
  { name: 'numbers of bfloat16', make: () => sharedHalves(8 * mebibyte) },
];

test.each(large)('$name are zeros in memory that other threads can have', ({ make }) => {
  const memory = make();
  expect(memory.buffer).toBeInstanceOf(SharedArrayBuffer);
  expect(memory.byteLength).toBe(16 * mebibyte);
  expect(memory.every((number) => number === 0)).toBe(true);
});

const hasHugePages = existsSync('/sys/kernel/mm/transparent_hugepage') && existsSync('/proc/self/smaps');

(hasHugePages ? describe : describe.skip)('where Linux has huge pages', () => {
  test.each(large)('they are asked for for $name', ({ make }) => {
    expect(isAdvised(make())).toBe(true);
  });

  test('they are not asked for for little memory', () => {
    expect(isAdvised(sharedFloats(mebibyte / 2))).toBe(false);
  });
});

/** Whether Linux was asked for huge pages where the middle of an array lies. */
function isAdvised(memory: Float32Array | Uint16Array): boolean {
  const middle = Number(loadKoffi().address(memory)) + memory.byteLength / 2;
  const mappings = readFileSync('/proc/self/smaps', 'utf8').matchAll(/^([\da-f]+)-([\da-f]+) [^]*?^VmFlags:(.*)$/gm);
  const mapping = [...mappings].find(([, begin, end]) => isWithin(middle, Number(`0x${begin}`), Number(`0x${end}`)));
  return / hg\b/.test(mapping?.[3] ?? '');
}

function isWithin(address: number, begin: number, end: number): boolean {
  return begin <= address && address < end;
}
