import { DamagedParquet } from './damaged.ts';

/**
 * Reads a block that Snappy compressed: https://github.com/google/snappy/blob/main/format_description.txt
 *
 * @param length that it must come to
 * @throws DamagedParquet; every element must lie within both sides, so that no input runs for ever
 */
export function snappyDecompress(bytes: Uint8Array, length: number): Uint8Array {
  const output = new Uint8Array(length);
  let [from, to] = [0, 0];
  const littleEndian = (count: number): number => {
    let value = 0;
    for (let index = 0; index < count; index++) value += (bytes[from + index] ?? 0) * 256 ** index;
    from += count;
    return value;
  };
  while ((bytes[from++] ?? 0) >= 128); // how long it comes to, which the page's header says as well
  while (from < bytes.length) {
    const tag = bytes[from++] as number;
    const kind = tag & 3;
    if (kind === 0) {
      const short = (tag >> 2) + 1;
      const count = short <= 60 ? short : littleEndian(short - 60) + 1;
      if (from + count > bytes.length || to + count > length)
        throw new DamagedParquet('found a literal that is too long');
      output.set(bytes.subarray(from, from + count), to);
      from += count;
      to += count;
    } else {
      const count = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
      const distance = kind === 1 ? (tag >> 5) * 256 + littleEndian(1) : littleEndian(kind === 2 ? 2 : 4);
      if (distance === 0 || distance > to || to + count > length) throw new DamagedParquet('found a copy from nowhere');
      if (distance >= count) output.copyWithin(to, to - distance, to - distance + count);
      // What is copied may be what was copied before: a pattern that repeats.
      else for (let index = 0; index < count; index++) output[to + index] = output[to + index - distance] as number;
      to += count;
    }
  }
  return output.subarray(0, to);
}
