import { UserError } from '../contract/process/errors.ts';
import { shown } from '../contract/process/shown.ts';

/** Bytes of one element of the types that a header may name; sub-byte types are not read. */
const elementBytes: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  U16: 2,
  I16: 2,
  F16: 2,
  BF16: 2,
  U32: 4,
  I32: 4,
  F32: 4,
  U64: 8,
  I64: 8,
  F64: 8,
};

/** The format's own limit on the length of the JSON header. */
export const maxHeaderBytes = 100_000_000;

export interface TensorEntry {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Elements, the product of the shape. */
  readonly size: number;
  /** Bytes from the start of the data, which follows the header. */
  readonly begin: number;
  readonly end: number;
}

/**
 * Reads the JSON header of a safetensors file and trusts nothing in it: every tensor must have a known type, a byte
 * range of exactly its shape, and the ranges together must cover the data without a gap or an overlap.
 *
 * Source: https://github.com/huggingface/safetensors#format
 *
 * @param header the bytes between the length field and the data
 * @param dataBytes bytes that follow the header in the file
 * @param source the file, for messages
 * @returns tensors in the order of their bytes
 * @throws UserError that names the file and the tensor
 */
export function parseHeader(header: Uint8Array, dataBytes: number, source: string): TensorEntry[] {
  const tensors = Object.entries(parseJsonObject(header, source))
    .filter(([name]) => name !== '__metadata__')
    .map(([name, value]) => tensorEntry(name, value, `${source}: tensor ${shown(name)}`))
    .toSorted((a, b) => a.begin - b.begin || a.end - b.end);

  let covered = 0;
  for (const { name, begin, end } of tensors) {
    const what = `${source}: tensor ${shown(name)}`;
    if (end > dataBytes)
      throw new UserError(`${what} ends at byte ${end} of the data, but the file holds only ${dataBytes}: truncated?`);
    if (begin < covered) throw new UserError(`${what} begins at byte ${begin}, inside the tensor before it`);
    if (begin > covered)
      throw new UserError(`${what} begins at byte ${begin}, but the tensor before it ends at ${covered}: a gap`);
    covered = end;
  }
  if (covered !== dataBytes)
    throw new UserError(`${source}: the tensors end at byte ${covered} of the data, but the file holds ${dataBytes}`);
  return tensors;
}

function parseJsonObject(header: Uint8Array, source: string): Record<string, unknown> {
  let text: string;
  let parsed: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(header);
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new UserError(`${source}: its header is not JSON: ${(cause as Error).message.slice(0, 200)}`, { cause });
  }
  if (!isObject(parsed)) throw new UserError(`${source}: its header is not a JSON object`);
  const duplicate = firstDuplicateKey(text);
  if (duplicate !== undefined) throw new UserError(`${source}: its header names ${shown(duplicate)} twice`);
  return parsed;
}

function tensorEntry(name: string, value: unknown, what: string): TensorEntry {
  if (!isObject(value)) throw new UserError(`${what} is not described by an object`);
  const { dtype, shape, data_offsets: offsets } = value;
  const width = typeof dtype === 'string' && Object.hasOwn(elementBytes, dtype) ? elementBytes[dtype] : undefined;
  if (typeof dtype !== 'string' || width === undefined)
    throw new UserError(`${what} has the type ${shown(dtype)}; known: ${Object.keys(elementBytes).join(', ')}`);
  if (!isCounts(shape)) throw new UserError(`${what} has the shape ${shown(shape)}, not a list of sizes`);
  if (!isCounts(offsets) || offsets.length !== 2 || offsets[0]! > offsets[1]!)
    throw new UserError(`${what} has data_offsets ${shown(offsets)}, not [begin, end]`);
  const [begin, end] = offsets as [number, number];
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  if (!Number.isSafeInteger(size * width) || size * width !== end - begin)
    throw new UserError(
      `${what} has ${end - begin} bytes, but ${dtype} of shape [${shape.join(', ')}] takes ${size * width}`,
    );
  return { name, dtype, shape, size, begin, end };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

/**
 * The first key that an object of this JSON text holds twice; `JSON.parse` would silently keep the last.
 *
 * @param json text that `JSON.parse` accepts
 */
function firstDuplicateKey(json: string): string | undefined {
  const open: (Set<string> | undefined)[] = []; // keys seen in each open object; undefined for an array
  let keyComes = false;
  for (let at = 0; at < json.length; at++) {
    switch (json[at]) {
      case '{':
        open.push(new Set());
        keyComes = true;
        break;
      case '[':
        open.push(undefined);
        break;
      case '}':
      case ']':
        open.pop();
        keyComes = false;
        break;
      case ',':
        keyComes = open.at(-1) !== undefined;
        break;
      case '"': {
        const start = at;
        for (at++; json[at] !== '"'; at++) if (json[at] === '\\') at++;
        const keys = open.at(-1);
        if (keyComes && keys !== undefined) {
          const key = JSON.parse(json.slice(start, at + 1)) as string;
          if (keys.has(key)) return key;
          keys.add(key);
          keyComes = false;
        }
      }
    }
  }
  return undefined;
}
