import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { DiskFullError, UserError } from '../../../trainer/contract/process/errors.ts';
import { SafetensorsFile, writeSafetensors } from '../../../trainer/checkpoint/safetensors.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';

const directory = useTemporaryDirectory();
const fixtures = fileURLToPath(new URL('../../fixtures/checkpoint', import.meta.url));

test('reads F32, BF16 and F16 files of the Python library bit for bit', async () => {
  const golden = JSON.parse(await readFile(join(fixtures, 'mixed.json'), 'utf8')) as {
    shapes: Record<string, number[]>;
    bits: Record<string, string[]>;
  };
  await using file = await SafetensorsFile.open(join(fixtures, 'mixed.safetensors'));
  expect(Object.fromEntries([...file.tensors].map(([name, { shape }]) => [name, shape]))).toEqual(golden.shapes);
  for (const [name, { size }] of file.tensors) {
    const values = new Float32Array(size);
    await file.read(name, values);
    expect([name, bits(values)]).toEqual([name, golden.bits[name]]);
  }
});

test('writes what it reads, in pieces, also through shared memory and from the middle of a tensor', async () => {
  const size = 1_100_001; // two pieces, the last one odd
  const values = Float32Array.from({ length: size }, (_, i) => Math.fround(i / 7));
  values[5] = NaN;

  await writeSafetensors(path(), [
    { name: 'none', shape: [0, 4], values: new Float32Array(0) },
    { name: 'big', shape: [size], values },
    { name: 'scalar', shape: [], values: Float32Array.of(-0) },
  ]);

  await using file = await SafetensorsFile.open(path());
  expect([...file.tensors.keys()]).toEqual(['none', 'big', 'scalar']);
  const shared = new Float32Array(new SharedArrayBuffer(size * 4));
  await file.read('big', shared);
  expect(Buffer.compare(Buffer.from(shared.buffer), Buffer.from(values.buffer))).toBe(0);
  const tail = new Float32Array(2);
  await file.read('big', tail, { from: size - 2 });
  expect(tail).toEqual(values.subarray(size - 2));
});

test('shows the elements in order as they arrive, and where each part begins', async () => {
  const size = 2_500_003;
  const values = Float32Array.from({ length: size }, (_, i) => i);
  await writeSafetensors(path(), [{ name: 'a', shape: [size], values }]);
  await using file = await SafetensorsFile.open(path());
  let seen = 0;
  await file.read('a', new Float32Array(size), {
    look: (part, at) => {
      expect([at, part[0], part.at(-1)]).toEqual([seen, at, at + part.length - 1]);
      seen += part.length;
    },
  });
  expect(seen).toBe(size);
});

test('an error in the midst of a tensor leaves no read behind', async () => {
  const size = 5_000_000;
  await writeSafetensors(path(), [{ name: 'a', shape: [size], values: new Float32Array(size) }]);
  const file = await SafetensorsFile.open(path());
  const reading = file.read('a', new Float32Array(size), {
    look: () => {
      throw new RangeError('not this one');
    },
  });
  await expect(reading).rejects.toThrow('not this one');
  await file.close();
});

test('reads long half-precision tensors in pieces', async () => {
  const size = 4_400_003;
  const halves = Uint16Array.from({ length: size }, (_, i) => (i * 31) & 0x7f7f);
  const header = JSON.stringify({ h: { dtype: 'BF16', shape: [size], data_offsets: [0, size * 2] } });
  await writeFile(path(), Buffer.concat([framed(header), Buffer.from(halves.buffer)]));

  await using opened = await SafetensorsFile.open(path());
  const values = new Float32Array(size);
  await opened.read('h', values);
  const words = new Uint32Array(values.buffer);
  expect(words.every((word, i) => word === halves[i]! << 16)).toBe(true);
});

test('aligns the data to eight bytes and writes the bytes that the Python library was seen to open', async () => {
  await writeSafetensors(path(), [
    { name: 'model.norm.weight', shape: [2], values: Float32Array.of(1, -2.5) },
    { name: 'score.weight', shape: [1, 2], values: Float32Array.of(0.1, 3e-39) },
  ]);
  const bytes = await readFile(path());
  expect(bytes.readUInt32LE(0) % 8).toBe(0);
  expect(bytes).toEqual(await readFile(join(fixtures, 'written-here.safetensors')));
});

test('a full disk is named with the bytes that were needed', async () => {
  const writing = writeSafetensors('/dev/full', [{ name: 'a', shape: [4], values: new Float32Array(4) }]);
  await expect(writing).rejects.toThrow(DiskFullError);
  await expect(writing).rejects.toThrow(
    /^\/dev\/full: no space left on the device: \d+ bytes are needed, \d+ are free$/,
  );
});

describe('hostile and broken files, each with one message', () => {
  test.each([
    { name: 'empty', bytes: Buffer.alloc(0), message: /: has 0 bytes, too few for a safetensors file: truncated\?$/ },
    { name: 'seven bytes', bytes: Buffer.alloc(7), message: /: has 7 bytes/ },
    {
      name: 'a huge header',
      bytes: Buffer.alloc(64, 0xff),
      message: /says its header has 18446744073709552000 bytes; at most 100000000 are allowed/,
    },
    {
      name: 'a header longer than the file',
      bytes: framed('{}', 1000),
      message: /says its header has 1000 bytes, but the file has only 10: truncated\?$/,
    },
    { name: 'no JSON', bytes: framed('{"a":'), message: /: its header is not JSON: / },
    { name: 'no UTF-8', bytes: framed(Buffer.from([0x7b, 0xff, 0x7d])), message: /: its header is not JSON: / },
    { name: 'a list', bytes: framed('[]'), message: /: its header is not a JSON object$/ },
    {
      name: 'a pickle',
      bytes: Buffer.from('PK\x03\x04archive/data.pkl and so on, more than eight bytes'),
      message: /not safetensors\?$/,
    },
    {
      name: 'a name twice',
      bytes: framed(
        '{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"\\u0061":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}',
      ),
      message: /: its header names "a" twice$/,
    },
    {
      name: 'a key twice',
      bytes: framed('{"a":{"dtype":"F32","shape":[0],"dtype":"F16","data_offsets":[0,0]}}'),
      message: /: its header names "dtype" twice$/,
    },
    { name: 'a tensor that is no object', header: { a: 3 }, message: /: tensor "a" is not described by an object$/ },
    {
      name: 'an unknown type',
      header: { a: four(0, 4, { dtype: 'F12' }) },
      message: /: tensor "a" has the type "F12"; known: BOOL, /,
    },
    {
      name: 'a type from the prototype',
      header: { a: four(0, 4, { dtype: 'constructor' }) },
      message: /: tensor "a" has the type "constructor"/,
    },
    {
      name: 'a negative size',
      header: { a: four(0, 4, { shape: [-1] }) },
      message: /: tensor "a" has the shape \[-1\], not a list of sizes$/,
    },
    {
      name: 'no shape',
      header: { a: { dtype: 'F32', data_offsets: [0, 4] } },
      message: /: tensor "a" has the shape undefined/,
    },
    {
      name: 'a fraction as offset',
      header: { a: four(0, 4.5) },
      message: /: tensor "a" has data_offsets \[0,4.5\], not \[begin, end\]$/,
    },
    { name: 'an end before the begin', header: { a: four(4, 0) }, message: /: tensor "a" has data_offsets \[4,0\]/ },
    {
      name: 'a shape of other size',
      header: { a: four(0, 4, { shape: [2] }) },
      message: /: tensor "a" has 4 bytes, but F32 of shape \[2\] takes 8$/,
    },
    {
      name: 'an overflowing shape',
      header: { a: four(0, 4, { shape: [2 ** 40, 2 ** 40] }) },
      message: /: tensor "a" has 4 bytes, but F32 of shape/,
    },
    {
      name: 'an end outside the file',
      header: { a: four(0, 4), b: four(4, 8) },
      data: 6,
      message: /: tensor "b" ends at byte 8 of the data, but the file holds only 6: truncated\?$/,
    },
    {
      name: 'overlapping tensors',
      header: { a: four(0, 4), b: four(2, 6) },
      data: 6,
      message: /: tensor "b" begins at byte 2, inside the tensor before it$/,
    },
    {
      name: 'a gap',
      header: { a: four(0, 4), b: four(8, 12) },
      data: 12,
      message: /: tensor "b" begins at byte 8, but the tensor before it ends at 4: a gap$/,
    },
    {
      name: 'bytes before the first',
      header: { a: four(4, 8) },
      data: 8,
      message: /: tensor "a" begins at byte 4, but the tensor before it ends at 0: a gap$/,
    },
    {
      name: 'bytes after the last',
      header: { a: four(0, 4) },
      data: 9,
      message: /: the tensors end at byte 4 of the data, but the file holds 9$/,
    },
    {
      name: 'a name with control characters',
      header: { '\u001b[31m\n': 1 },
      message: /: tensor "\\u001b\[31m\\n" is not/,
    },
    { name: 'an endless name', header: { ['x'.repeat(1e6)]: 1 }, message: /: tensor "x{100,130}… is not/ },
  ])('$name', async ({ bytes, header, data = 4, message }) => {
    await writeFile(path(), bytes ?? Buffer.concat([framed(JSON.stringify(header)), Buffer.alloc(data)]));
    const opening = SafetensorsFile.open(path());
    await expect(opening).rejects.toThrow(UserError);
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toThrow(path());
  });

  test('a missing file', async () => {
    await expect(SafetensorsFile.open(path())).rejects.toThrow(/a.safetensors: cannot be read: found no such file/);
  });

  test('weights of a type that cannot be trained', async () => {
    const header = JSON.stringify({ q: { dtype: 'I8', shape: [4], data_offsets: [0, 4] } });
    await writeFile(path(), Buffer.concat([framed(header), Buffer.alloc(4)]));
    await using opened = await SafetensorsFile.open(path());
    await expect(opened.read('q', new Float32Array(4))).rejects.toThrow(
      /: tensor "q" has the type I8; weights must be F32, BF16 or F16$/,
    );
  });
});

/** A header's entry for one F32. */
function four(begin: number, end: number, more: object = {}) {
  return { dtype: 'F32', shape: [1], data_offsets: [begin, end], ...more };
}

function path(): string {
  return join(directory(), 'a.safetensors');
}

/** Length field and header, without data. */
function framed(header: string | Buffer, length = Buffer.byteLength(header)): Buffer {
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(length));
  return Buffer.concat([prefix, Buffer.from(header as string)]);
}

function bits(values: Float32Array): string[] {
  return Array.from(new Uint32Array(values.buffer), (word) => word.toString(16).padStart(8, '0'));
}
