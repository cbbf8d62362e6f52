import type { Encoding } from 'hyparquet';
import { DamagedParquet } from './damaged.ts';
import { deltaIntegers, deltaLengths, deltaPrefixes } from './delta.ts';
import type { Chunk } from './footer.ts';
import { HybridReader } from './hybrid-reader.ts';
import { PageReader } from './pages.ts';
import { type NextValue, plainDictionary, plainValues, type Stored } from './plain.ts';
import type { ParquetNode } from './schema.ts';
import { streamSplitValues } from './stream-split.ts';

/** All pages that are open at once: those that are larger together are refused before they fill the memory. */
const mostHeldBytes = 512 * 2 ** 20;

/** Where an entry of a leaf stands: https://parquet.apache.org/docs/file-format/nestedencoding/ */
interface Entry {
  readonly repetition: number;
  readonly definition: number;
}

/**
 * The entries of a leaf in a row group, one after the other: values, nulls and empty lists, each with its levels. One page
 * is in memory, and its dictionary.
 */
export class ColumnReader {
  /** The entry that is next, or undefined after the last. */
  entry: Entry | undefined;
  private readonly leaf: ParquetNode;
  private readonly pages: PageReader;
  private left: number;
  private leftOfPage = 0;
  private repetitions: HybridReader | undefined;
  private definitions: HybridReader | undefined;
  private values: NextValue = missing;
  private dictionary: ((index: number) => Stored) | undefined;
  private readonly held: { bytes: number };
  private heldBytes: [dictionary: number, data: number] = [0, 0];

  /**
   * @param held what all columns of the row group hold together
   * @throws DamagedParquet as all of its methods
   */
  constructor(
    leaf: ParquetNode,
    chunk: Chunk,
    read: (start: number, end: number) => Uint8Array,
    held: { bytes: number },
  ) {
    this.leaf = leaf;
    this.held = held;
    this.pages = new PageReader(chunk, read);
    this.left = chunk.values;
    this.advance();
  }

  /** The value of the entry that is next, of which the definition level says that it is there. */
  value(): Stored {
    return this.values();
  }

  /** Goes on behind the entry that is next; its value must have been taken if there is one. */
  advance(): void {
    if (this.left === 0) {
      this.entry = undefined;
      return;
    }
    while (this.leftOfPage === 0) this.openPage();
    this.left--;
    this.leftOfPage--;
    const repetition = this.repetitions?.next() ?? 0;
    const definition = this.definitions?.next() ?? 0;
    if (repetition > this.leaf.repetition || definition > this.leaf.definition) {
      throw new DamagedParquet(
        `found levels ${repetition} and ${definition} that column ${this.leaf.name} cannot have`,
      );
    }
    this.entry = { repetition, definition };
  }

  private openPage(): void {
    const page = this.pages.next();
    if (page === undefined) throw new DamagedParquet(`column ${this.leaf.name} has fewer values than it claims`);
    const { type = 'INT32', type_length: typeLength } = this.leaf.element;
    if (page.kind === 'dictionary') {
      this.dictionary = plainDictionary(page.bytes, page.count, type, typeLength);
      this.hold([2 * page.bytes.length, 0]);
      return;
    }
    const { repetition, definition } = this.leaf;
    const [repetitions, definitions, bytes] = page.levels
      ? [...page.levels, page.bytes]
      : cutLevels(page.bytes, repetition > 0, definition > 0);
    this.repetitions = repetition > 0 ? new HybridReader(repetitions, bitsOf(repetition)) : undefined;
    this.definitions = definition > 0 ? new HybridReader(definitions, bitsOf(definition)) : undefined;
    for (const [at, encoding] of (page.levelEncodings ?? []).entries()) {
      if (encoding === 'RLE' || [repetition, definition][at] === 0) continue;
      throw new DamagedParquet(`found levels in the encoding ${encoding}, expected RLE`);
    }
    this.values = this.valuesIn(page.encoding, bytes);
    this.leftOfPage = page.count;
    this.hold([this.heldBytes[0], page.bytes.length]);
  }

  private valuesIn(encoding: Encoding, bytes: Uint8Array): NextValue {
    const { type = 'INT32', type_length: typeLength } = this.leaf.element;
    switch (encoding) {
      case 'PLAIN':
        return plainValues(bytes, type, typeLength);
      case 'PLAIN_DICTIONARY':
      case 'RLE_DICTIONARY': {
        const { dictionary } = this;
        if (dictionary === undefined) throw new DamagedParquet(`column ${this.leaf.name} has no dictionary`);
        const indices = new HybridReader(bytes.subarray(1), bytes[0] ?? 0);
        return () => dictionary(indices.next());
      }
      case 'RLE': {
        if (type !== 'BOOLEAN') break;
        const bits = new HybridReader(cutOff(bytes)[0], 1);
        return () => bits.next() === 1;
      }
      case 'BYTE_STREAM_SPLIT':
        return streamSplitValues(bytes, type, typeLength);
      case 'DELTA_BINARY_PACKED':
        return deltaIntegers(bytes, type);
      case 'DELTA_LENGTH_BYTE_ARRAY':
        return deltaLengths(bytes);
      case 'DELTA_BYTE_ARRAY':
        return deltaPrefixes(bytes);
    }
    throw new DamagedParquet(`column ${this.leaf.name} is in the encoding ${encoding}, which is not read`);
  }

  private hold([dictionary, data]: readonly [number, number]): void {
    this.held.bytes += dictionary + data - this.heldBytes[0] - this.heldBytes[1];
    this.heldBytes = [dictionary, data];
    if (this.held.bytes <= mostHeldBytes) return;
    throw new DamagedParquet(`found pages of more than ${mostHeldBytes} bytes beside each other`);
  }
}

function bitsOf(level: number): number {
  return 32 - Math.clz32(level);
}

/** Levels of a page of the first version, which say their lengths, and its values. */
function cutLevels(
  bytes: Uint8Array,
  hasRepetition: boolean,
  hasDefinition: boolean,
): readonly [repetition: Uint8Array, definition: Uint8Array, values: Uint8Array] {
  const none = bytes.subarray(0, 0);
  const [repetition, after] = hasRepetition ? cutOff(bytes) : [none, bytes];
  const [definition, values] = hasDefinition ? cutOff(after) : [none, after];
  return [repetition, definition, values];
}

/** What a length of four bytes stands before, and the rest. */
function cutOff(bytes: Uint8Array): readonly [Uint8Array, Uint8Array] {
  if (bytes.length < 4) throw new DamagedParquet('found a page that ends early');
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (length > bytes.length - 4) throw new DamagedParquet('found levels that are longer than their page');
  return [bytes.subarray(4, 4 + length), bytes.subarray(4 + length)];
}

function missing(): never {
  throw new DamagedParquet('found a value before its page');
}
