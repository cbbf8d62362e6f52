import type { ParquetType } from 'hyparquet';
import { DamagedParquet } from './damaged.ts';
import { fixedBytes, type NextValue, plainValues } from './plain.ts';

/** Values of which all first bytes stand before all second ones: the encoding BYTE_STREAM_SPLIT. */
export function streamSplitValues(bytes: Uint8Array, type: ParquetType, typeLength: number | undefined): NextValue {
  const size = type === 'FIXED_LEN_BYTE_ARRAY' ? typeLength : fixedBytes[type];
  if (!(size !== undefined && size > 0)) throw new DamagedParquet(`found split values of the type ${type}`);
  const count = Math.floor(bytes.length / size);
  const plain = new Uint8Array(count * size);
  for (let stream = 0; stream < size; stream++) {
    for (let index = 0; index < count; index++) plain[index * size + stream] = bytes[stream * count + index] as number;
  }
  return plainValues(plain, type, typeLength);
}
