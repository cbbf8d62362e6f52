import type { ParquetType } from 'hyparquet';
import { DamagedParquet } from './damaged.ts';

/** A value as it is stored; text and the like are bytes. */
export type Stored = boolean | number | bigint | Uint8Array;

/** Values one after the other. @throws DamagedParquet where they end early */
export type NextValue = () => Stored;

/** Of types whose values all have as many. */
export const fixedBytes: Partial<Record<ParquetType, number>> = { INT32: 4, INT64: 8, INT96: 12, FLOAT: 4, DOUBLE: 8 };

/** Values in the encoding PLAIN. @param typeLength bytes of a FIXED_LEN_BYTE_ARRAY */
export function plainValues(bytes: Uint8Array, type: ParquetType, typeLength: number | undefined): NextValue {
  const read = readerOf(bytes, type, typeLength);
  let at = 0;
  return () => {
    const [value, end] = read(at);
    at = end;
    return value;
  };
}

/** A dictionary of values in the encoding PLAIN, at most four bytes larger for each than its page. */
export function plainDictionary(
  bytes: Uint8Array,
  count: number,
  type: ParquetType,
  typeLength: number | undefined,
): (index: number) => Stored {
  if (count > bytes.length * 8)
    throw new DamagedParquet(`found a dictionary of ${count} values in ${bytes.length} bytes`);
  const read = readerOf(bytes, type, typeLength);
  const starts = new Uint32Array(count);
  for (let index = 0, at = 0; index < count; index++) {
    starts[index] = at;
    at = read(at)[1];
  }
  return (index) => {
    const start = starts[index];
    if (start === undefined) throw new DamagedParquet(`found value ${index} of a dictionary of ${count}`);
    return read(start)[0];
  };
}

/** Reads the value at a place (in bytes, of booleans in bits), and says where the next one is. */
function readerOf(
  bytes: Uint8Array,
  type: ParquetType,
  typeLength = 0,
): (at: number) => readonly [value: Stored, end: number] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const within = (start: number, end: number): void => {
    if (start < 0 || end > bytes.length) throw new DamagedParquet('found fewer values than its page claims');
  };
  const slice = (start: number, length: number): readonly [Uint8Array, number] => {
    within(start, start + length);
    return [bytes.subarray(start, start + length), start + length];
  };
  switch (type) {
    case 'BOOLEAN':
      return (at) => {
        within(0, (at >> 3) + 1);
        return [(((bytes[at >> 3] as number) >> (at & 7)) & 1) === 1, at + 1];
      };
    case 'BYTE_ARRAY':
      return (at) => {
        within(at, at + 4);
        return slice(at + 4, view.getUint32(at, true));
      };
    case 'FIXED_LEN_BYTE_ARRAY':
      if (!(typeLength > 0)) throw new DamagedParquet('found values of a fixed length without the length');
      return (at) => slice(at, typeLength);
    default: {
      const size = fixedBytes[type];
      if (size === undefined) throw new DamagedParquet(`found values of the unknown type ${type}`);
      const value = numberAt(view, type);
      return (at) => {
        within(at, at + size);
        return [value(at), at + size];
      };
    }
  }
}

function numberAt(view: DataView, type: ParquetType): (at: number) => Stored {
  switch (type) {
    case 'INT32':
      return (at) => view.getInt32(at, true);
    case 'INT64':
      return (at) => view.getBigInt64(at, true);
    case 'FLOAT':
      return (at) => view.getFloat32(at, true);
    case 'DOUBLE':
      return (at) => view.getFloat64(at, true);
    default:
      return (at) => new Uint8Array(view.buffer, view.byteOffset + at, 12);
  }
}
