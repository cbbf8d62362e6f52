import { deltaBinaryUnpack } from 'hyparquet/src/delta.js';
import { readVarInt } from 'hyparquet/src/thrift.js';
import type { ParquetType } from 'hyparquet';
import { DamagedParquet } from './damaged.ts';
import type { NextValue } from './plain.ts';

/** Differences can be stored in no bits at all: pages that claim more values would fill the memory. */
const mostValues = 4 * 2 ** 20;
const mostBlock = 2 ** 20;
const tooFew = 'found fewer values than its page claims';

interface Source {
  readonly view: DataView;
  offset: number;
}

/** Integers as differences: the encoding DELTA_BINARY_PACKED. */
export function deltaIntegers(bytes: Uint8Array, type: ParquetType): NextValue {
  if (type !== 'INT32' && type !== 'INT64') throw new DamagedParquet(`found differences of values of type ${type}`);
  const source = sourceOf(bytes);
  return inTurn(type === 'INT32' ? unpack(source, Int32Array) : unpack(source, BigInt64Array));
}

/** Byte arrays after their lengths: the encoding DELTA_LENGTH_BYTE_ARRAY. */
export function deltaLengths(bytes: Uint8Array): NextValue {
  const source = sourceOf(bytes);
  const lengths = unpack(source, Int32Array);
  let [index, at] = [0, source.offset];
  return () => {
    const part = slice(bytes, at, lengths[index++]);
    at += part.length;
    return part;
  };
}

/** Byte arrays that begin as the one before: the encoding DELTA_BYTE_ARRAY. */
export function deltaPrefixes(bytes: Uint8Array): NextValue {
  const source = sourceOf(bytes);
  const prefixes = unpack(source, Int32Array);
  const suffixes = unpack(source, Int32Array);
  let [index, at, before] = [0, source.offset, new Uint8Array(0)];
  return () => {
    const suffix = slice(bytes, at, suffixes[index]);
    before = Buffer.concat([slice(before, 0, prefixes[index++]), suffix]);
    at += suffix.length;
    return before;
  };
}

function unpack<Values extends Int32Array | BigInt64Array>(
  source: Source,
  Type: new (length: number) => Values,
): Values {
  try {
    const values = new Type(countIn(source));
    if (values.length > 0) deltaBinaryUnpack(source, values.length, values);
    return values;
  } catch (cause) {
    throw cause instanceof RangeError ? new DamagedParquet(tooFew, { cause }) : cause;
  }
}

/** How many differences follow. The reader runs for ever, or makes large lists, where sizes of blocks are none. */
function countIn({ view, offset }: Source): number {
  const head = { view, offset };
  const [block, miniblocks, count] = [readVarInt(head), readVarInt(head), readVarInt(head)];
  const values = block / miniblocks;
  if (!(block > 0 && block <= mostBlock && miniblocks > 0 && Number.isInteger(values) && values % 8 === 0)) {
    throw new DamagedParquet(`found blocks of ${block} differences in ${miniblocks} parts`);
  }
  if (count >= 0 && count <= mostValues) return count;
  throw new DamagedParquet(`found a page of ${count >>> 0} differences, at most ${mostValues} are read`);
}

function inTurn(values: Int32Array | BigInt64Array): NextValue {
  let index = 0;
  return () => {
    const value = values[index++];
    if (value === undefined) throw new DamagedParquet(tooFew);
    return value;
  };
}

function slice(bytes: Uint8Array, start: number, length = -1): Uint8Array {
  if (length < 0 || start + length > bytes.length) throw new DamagedParquet(tooFew);
  return bytes.subarray(start, start + length);
}

function sourceOf(bytes: Uint8Array): Source {
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset: 0 };
}
