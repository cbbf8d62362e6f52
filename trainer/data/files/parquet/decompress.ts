import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import type { CompressionCodec } from 'hyparquet';
import { DamagedParquet } from './damaged.ts';
import { snappyDecompress } from './snappy.ts';

type Decompress = (bytes: Uint8Array, length: number) => Uint8Array;

const decompressors: Partial<Record<CompressionCodec, Decompress>> = {
  UNCOMPRESSED: (bytes) => bytes,
  SNAPPY: snappyDecompress,
  GZIP: (bytes, maxOutputLength) => gunzipSync(bytes, { maxOutputLength }),
  BROTLI: (bytes, maxOutputLength) => brotliDecompressSync(bytes, { maxOutputLength }),
  ...(zstdDecompressSync && { ZSTD: (bytes, maxOutputLength) => zstdDecompressSync(bytes, { maxOutputLength }) }),
};

/**
 * A page as it was before it was compressed.
 *
 * @param length bytes that it claims, and at most allocates
 * @throws DamagedParquet
 */
export function decompress(codec: CompressionCodec, bytes: Uint8Array, length: number): Uint8Array {
  const decompressor = decompressors[codec];
  if (decompressor === undefined) {
    throw new DamagedParquet(`found compression ${codec}, expected one of ${Object.keys(decompressors).join(', ')}`);
  }
  if (length === 0) return new Uint8Array(0);
  let page: Uint8Array;
  try {
    page = decompressor(bytes, length);
  } catch (cause) {
    throw new DamagedParquet(`found a page that is no ${codec} of ${length} bytes`, { cause });
  }
  if (page.length === length) return page;
  throw new DamagedParquet(`found a page of ${page.length} bytes, expected ${length}`);
}
