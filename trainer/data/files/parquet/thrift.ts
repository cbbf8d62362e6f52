import { DamagedParquet } from './damaged.ts';

const deepest = 16;
/** About 40 describe a column of a row group; read, each takes up to 100 bytes. */
const mostValues = 4 * 2 ** 20;

/** Types of Thrift's compact protocol, as far as Parquet has them: https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md */
const kinds = {
  true: 1,
  false: 2,
  byte: 3,
  i16: 4,
  i32: 5,
  i64: 6,
  double: 7,
  binary: 8,
  list: 9,
  struct: 12,
} as const;

/**
 * Walks over a structure before a reader builds it: every list has room in the bytes for as many items as it claims, and
 * nothing is nested deeper than Parquet nests it. So a few bytes cannot make the reader allocate gigabytes.
 *
 * @returns where the structure ends
 * @throws DamagedParquet
 */
export function checkThrift(bytes: Uint8Array): number {
  const walk = new Walk(bytes);
  walk.struct(0);
  return walk.at;
}

class Walk {
  at = 0;
  private values = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  struct(depth: number): void {
    if (depth > deepest) throw new DamagedParquet(`its metadata is nested more than ${deepest} levels deep`);
    for (let head = this.byte(); head !== 0; head = this.byte()) {
      const kind = head & 15;
      if (head >> 4 === 0) this.varint(); // the field's number
      if (kind !== kinds.true && kind !== kinds.false) this.value(kind, depth); // a field's head is its value
    }
  }

  private value(kind: number, depth: number): void {
    if (++this.values > mostValues) throw new DamagedParquet(`its metadata has more than ${mostValues} values`);
    switch (kind) {
      case kinds.true:
      case kinds.false:
      case kinds.byte:
        return this.skip(1);
      case kinds.i16:
      case kinds.i32:
      case kinds.i64:
        this.varint();
        return;
      case kinds.double:
        return this.skip(8);
      case kinds.binary:
        return this.skip(this.varint());
      case kinds.list:
        return this.list(depth + 1);
      case kinds.struct:
        return this.struct(depth + 1);
      default:
        throw new DamagedParquet(`its metadata has a field of the unknown type ${kind}`);
    }
  }

  private list(depth: number): void {
    if (depth > deepest) throw new DamagedParquet(`its metadata is nested more than ${deepest} levels deep`);
    const head = this.byte();
    const length = head >> 4 === 15 ? this.varint() : head >> 4;
    if (length > this.bytes.length - this.at) {
      throw new DamagedParquet(`its metadata claims a list of ${length} items in ${this.bytes.length - this.at} bytes`);
    }
    for (let item = 0; item < length; item++) this.value(head & 15, depth);
  }

  private byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new DamagedParquet('its metadata ends early');
    return byte;
  }

  private skip(count: number): void {
    this.at += count;
    if (this.at > this.bytes.length) throw new DamagedParquet('its metadata ends early');
  }

  /** @returns the number, or more than a file can have where it has more than 32 bits */
  private varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.byte();
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
    throw new DamagedParquet('its metadata has a number of more than 64 bits');
  }
}
