import type { CompressionCodec, Encoding, PageHeader } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { DamagedParquet } from './damaged.ts';
import { decompress } from './decompress.ts';
import type { Chunk } from './footer.ts';
import { checkThrift } from './thrift.ts';

/** Larger pages are refused before they fill the memory: the first number of the sizes that files state themselves. */
const mostPageBytes = 128 * 2 ** 20;
/** Of the description in front of a page, with the least and the greatest value. */
const mostHeaderBytes = 64 * 2 ** 10;

/** A page, decompressed. */
export type Page =
  | { readonly kind: 'dictionary'; readonly bytes: Uint8Array; readonly count: number }
  | {
      readonly kind: 'data';
      /** Entries, nulls included. */
      readonly count: number;
      readonly encoding: Encoding;
      /** Repetition and definition levels, where their lengths are known from outside. */
      readonly levels?: readonly [repetition: Uint8Array, definition: Uint8Array];
      /** Of levels of an unknown length, where there are any. */
      readonly levelEncodings?: readonly [repetition: Encoding, definition: Encoding];
      /** Levels of an unknown length, each after its length, and the values. */
      readonly bytes: Uint8Array;
    };

/** Reads the pages of a chunk one after the other. */
export class PageReader {
  private at: number;
  private readonly chunk: Chunk;
  private readonly read: (start: number, end: number) => Uint8Array;

  constructor(chunk: Chunk, read: (start: number, end: number) => Uint8Array) {
    this.chunk = chunk;
    this.read = read;
    this.at = chunk.start;
  }

  /** The next page, or undefined after the last. @throws DamagedParquet */
  next(): Page | undefined {
    while (this.at < this.chunk.end) {
      const head = this.read(this.at, Math.min(this.chunk.end, this.at + mostHeaderBytes));
      const size = checkThrift(head);
      const header = parquetHeader({ view: new DataView(head.buffer, head.byteOffset, head.byteLength), offset: 0 });
      const start = this.at + size;
      const end = start + sizeOf(header.compressed_page_size, this.chunk.end - start);
      this.at = end;
      const page = pageOf(header, this.chunk.codec, () => this.read(start, end));
      if (page !== undefined) return page;
    }
    return undefined;
  }
}

function pageOf(header: PageHeader, codec: CompressionCodec, read: () => Uint8Array): Page | undefined {
  const length = sizeOf(header.uncompressed_page_size, mostPageBytes);
  const { data_page_header: one, data_page_header_v2: two, dictionary_page_header: dictionary } = header;
  if (header.type === 'DATA_PAGE' && one !== undefined) {
    const bytes = decompress(codec, read(), length);
    const levelEncodings = [one.repetition_level_encoding, one.definition_level_encoding] as const;
    return { kind: 'data', count: countOf(one.num_values), encoding: one.encoding, levelEncodings, bytes };
  }
  if (header.type === 'DATA_PAGE_V2' && two !== undefined) {
    const repetition = sizeOf(two.repetition_levels_byte_length, length);
    const definition = sizeOf(two.definition_levels_byte_length, length - repetition);
    const bytes = read();
    const ends = [repetition, repetition + definition] as const;
    if (ends[1] > bytes.length) throw new DamagedParquet('found levels that are longer than their page');
    const values = bytes.subarray(ends[1]);
    return {
      kind: 'data',
      count: countOf(two.num_values),
      encoding: two.encoding,
      levels: [bytes.subarray(0, ends[0]), bytes.subarray(...ends)],
      bytes: two.is_compressed === false ? values : decompress(codec, values, length - ends[1]),
    };
  }
  if (header.type === 'DICTIONARY_PAGE' && dictionary !== undefined) {
    return { kind: 'dictionary', bytes: decompress(codec, read(), length), count: countOf(dictionary.num_values) };
  }
  if (header.type === 'INDEX_PAGE') return undefined;
  throw new DamagedParquet('found a page of an unknown type');
}

function sizeOf(value: unknown, most: number): number {
  const size = countOf(value);
  if (size <= most) return size;
  throw new DamagedParquet(`found a page that claims ${size} bytes, at most ${most} are read`);
}

function countOf(value: unknown): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new DamagedParquet('found a page without its sizes');
}
