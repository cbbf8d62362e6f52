import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { snappyCompress } from 'hyparquet-writer/src/snappy.js';
import { HybridReader } from '../../../../../trainer/data/files/parquet/hybrid-reader.ts';
import { readParquet } from '../../../../../trainer/data/files/parquet/read-parquet.ts';
import { snappyDecompress } from '../../../../../trainer/data/files/parquet/snappy.ts';
import { useTemporaryDirectory } from '../../../../support/temporary-directory.ts';

const directory = useTemporaryDirectory();

test('what Snappy compressed comes back', () => {
  const text = fc.array(fc.constantFrom('a', 'bc', 'def', 'äöü', 'x'.repeat(70)), { maxLength: 300 });
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    text.map((parts) => Buffer.from(parts.join(''))),
  );
  fc.assert(
    fc.property(bytes, (given) => {
      expect(Buffer.from(snappyDecompress(snappyCompress(given), given.length))).toEqual(Buffer.from(given));
    }),
  );
});

test.each([
  { name: 'a run', bytes: [0b110, 5], width: 3, numbers: [5, 5, 5] },
  { name: 'a run of two bytes', bytes: [0b100, 0x34, 0x12], width: 13, numbers: [0x1234, 0x1234] },
  // The example of the format's description: 0 to 7 in three bits each.
  { name: 'packed bits', bytes: [0b11, 0x88, 0xc6, 0xfa], width: 3, numbers: [0, 1, 2, 3, 4, 5, 6, 7] },
  {
    name: 'packed bits over bytes',
    bytes: [0b11, 0x01, 0x04, 0x10, 0, 0, 0, 0, 0, 0, 0],
    width: 10,
    numbers: [1, 1, 1],
  },
  { name: 'numbers without bits', bytes: [0b11], width: 0, numbers: [0, 0, 0] },
  { name: 'a run of none before another', bytes: [0, 9, 0b10, 7], width: 3, numbers: [7] },
])('$name: $numbers', ({ bytes, width, numbers }) => {
  const reader = new HybridReader(Uint8Array.from(bytes), width);
  expect(numbers.map(() => reader.next())).toEqual(numbers);
});

test.each([
  { name: 'that end early', bytes: [0b11], width: 3 },
  { name: 'of a run without its value', bytes: [0b10], width: 3 },
  { name: 'of a run that never ends', bytes: [0xff, 0xff, 0xff, 0xff, 0xff, 0xff], width: 3 },
])('numbers $name are refused', ({ bytes, width }) => {
  expect(() => new HybridReader(Uint8Array.from(bytes), width).next()).toThrow(/found/);
});

test('dictionaries of many values are read', () => {
  const data = Array.from({ length: 9000 }, (_, index) => `v${(index * index) % 1201}`);
  const file = join(directory(), 'many.parquet');
  writeFileSync(file, new Uint8Array(parquetWriteBuffer({ columnData: [{ name: 'a', data }], rowGroupSize: 9000 })));
  expect([...readParquet(file, () => true)]).toEqual(data.map((a) => JSON.stringify({ a })));
});
