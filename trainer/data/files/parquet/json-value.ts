import type { SchemaElement } from 'hyparquet';
import { DamagedParquet } from './damaged.ts';
import type { Stored } from './plain.ts';
import type { ParquetNode } from './schema.ts';

/** Of decimals of 256 bits, the largest that writers have. */
const mostDigits = 76;
const mostDecimalBytes = 32;

/** Writes a value as JSON. @throws DamagedParquet */
export type WriteJson = (value: Stored) => string;

/**
 * How the values of a leaf are written as JSON: what a JSONL file of the same rows would have. Numbers are written with all
 * of their digits, dates and times as ISO 8601.
 *
 * @returns undefined for what no JSON file has, such as the bytes of an image
 */
export function jsonWriterOf({ name, element }: ParquetNode): WriteJson | undefined {
  const { type, converted_type: converted, logical_type: logical } = element;
  const kind = logical?.type;
  const isDecimal = converted === 'DECIMAL' || kind === 'DECIMAL';
  switch (type) {
    case 'BOOLEAN':
      return String;
    case 'FLOAT':
      return (value) => realNumber(shortest(value as number), name);
    case 'DOUBLE':
      return (value) => realNumber(value as number, name);
    case 'INT32':
    case 'INT64':
      if (isDecimal) return decimalWriter(element, name);
      if (converted === 'DATE' || kind === 'DATE') return (value) => isoText(86_400_000 * Number(value), name, 10);
      if (kind === 'TIME' || converted?.startsWith('TIME_')) return undefined;
      if (kind === 'TIMESTAMP' || converted?.startsWith('TIMESTAMP')) {
        const perMillisecond = ticksPerMillisecond(element);
        return (value) => isoText(Number(BigInt(value as bigint | number) / perMillisecond), name);
      }
      if (converted?.startsWith('UINT') || (logical?.type === 'INTEGER' && !logical.isSigned)) {
        return (value) => String(BigInt.asUintN(type === 'INT32' ? 32 : 64, BigInt(value as bigint | number)));
      }
      return String;
    case 'BYTE_ARRAY':
      if (converted === 'JSON' || kind === 'JSON') return (value) => jsonText(value as Uint8Array, name);
      if (converted === 'UTF8' || converted === 'ENUM' || kind === 'STRING' || kind === 'ENUM') {
        return (value) => JSON.stringify(utf8Text(value as Uint8Array, name));
      }
      return isDecimal ? decimalWriter(element, name) : undefined;
    case 'FIXED_LEN_BYTE_ARRAY':
      return isDecimal ? decimalWriter(element, name) : undefined;
    default:
      return undefined;
  }
}

/** A missing number is NaN in many tables; JSON has no infinity. */
function realNumber(value: number, name: string): string {
  if (Number.isNaN(value)) return 'null';
  if (Number.isFinite(value)) return String(value);
  throw new DamagedParquet(`${name}: found ${value}, expected a finite number`);
}

/** The number of the fewest digits that a float of 32 bits stands for: 0.1, and not 0.10000000149011612. */
function shortest(value: number): number {
  const found = [6, 7, 8].map((digits) => Number(value.toPrecision(digits)));
  return found.find((number) => Math.fround(number) === value) ?? value;
}

function ticksPerMillisecond({ converted_type: converted, logical_type: logical }: SchemaElement): bigint {
  const unit = logical?.type === 'TIMESTAMP' ? logical.unit : converted?.slice('TIMESTAMP_'.length);
  return { NANOS: 1_000_000n, MICROS: 1000n }[unit ?? ''] ?? 1n;
}

function isoText(milliseconds: number, name: string, characters = 24): string {
  const date = new Date(milliseconds);
  if (!Number.isNaN(date.getTime())) return JSON.stringify(date.toISOString().slice(0, characters));
  throw new DamagedParquet(`${name}: found a time that no calendar has`);
}

function decimalWriter({ scale = 0 }: SchemaElement, name: string): WriteJson {
  if (!(scale >= 0 && scale <= mostDigits)) throw new DamagedParquet(`${name}: found decimals of the scale ${scale}`);
  return (value) => {
    const unscaled = value instanceof Uint8Array ? bigEndian(value, name) : BigInt(value);
    const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
    const whole = `${unscaled < 0n ? '-' : ''}${digits.slice(0, digits.length - scale)}`;
    return scale === 0 ? whole : `${whole}.${digits.slice(-scale)}`;
  };
}

function bigEndian(bytes: Uint8Array, name: string): bigint {
  if (bytes.length > mostDecimalBytes) throw new DamagedParquet(`${name}: found a decimal of ${bytes.length} bytes`);
  if (bytes.length === 0) return 0n;
  return BigInt.asIntN(8 * bytes.length, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function utf8Text(bytes: Uint8Array, name: string): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new DamagedParquet(`${name}: found bytes that are no UTF-8`, { cause });
  }
}

function jsonText(bytes: Uint8Array, name: string): string {
  const text = utf8Text(bytes, name);
  try {
    JSON.parse(text);
    return text;
  } catch (cause) {
    throw new DamagedParquet(`${name}: found text that is no JSON`, { cause });
  }
}
