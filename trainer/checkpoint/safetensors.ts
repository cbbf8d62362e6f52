import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { UserError } from '../contract/process/errors.ts';
import { roundToBfloat16 } from '../algorithms/bfloat16.ts';
import { namingFullDisk } from '../contract/process/full-disk.ts';
import { openInput } from '../contract/files/input-file.ts';
import type { Precision } from '../contract/settings/training.ts';
import { fill, type Piece, pieceBytes, readAhead } from './read-ahead.ts';
import { maxHeaderBytes, parseHeader } from './safetensors-header.ts';
import type { TensorEntry } from './safetensors-header.ts';

/** The float types that are read, with the little-endian conversion to f32; F32 itself is read in place. */
const toFloat32: Readonly<Record<string, (bytes: Uint8Array<ArrayBuffer>, target: Float32Array) => void>> = {
  BF16(bytes, target) {
    const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, target.length);
    const words = new Uint32Array(target.buffer, target.byteOffset, target.length);
    for (let i = 0; i < words.length; i++) words[i] = halves[i]! << 16;
  },
  F16(bytes, target) {
    target.set(new Float16Array(bytes.buffer, bytes.byteOffset, target.length));
  },
};

/** An open safetensors file whose header has been checked. */
export class SafetensorsFile {
  readonly path: string;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly #handle: FileHandle;
  readonly #dataStart: number;
  #buffers: readonly Uint8Array<ArrayBuffer>[] = [];

  private constructor(path: string, handle: FileHandle, tensors: readonly TensorEntry[], dataStart: number) {
    this.path = path;
    this.tensors = new Map(tensors.map((tensor) => [tensor.name, tensor]));
    this.#handle = handle;
    this.#dataStart = dataStart;
  }

  /** @throws UserError when the file is missing or is not a well-formed safetensors file */
  static async open(path: string): Promise<SafetensorsFile> {
    const handle = await openInput(path);
    try {
      const { tensors, dataStart } = await readHeader(handle, path);
      return new SafetensorsFile(path, handle, tensors, dataStart);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /**
   * Reads elements of a tensor of type F32, BF16 or F16 as f32.
   *
   * @param target receives as many elements as it is long; may lie in shared memory
   * @param options.from the first element that is read
   * @param options.look is shown the elements, a part of the target at a time and in order, with the place of its first in it
   * @throws UserError for another type, or when the file has become shorter
   */
  async read(name: string, target: Float32Array, { from = 0, look = () => {} }: ReadOptions = {}): Promise<void> {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw new RangeError(`${this.path}: has no tensor "${name}"`);
    if (from + target.length > tensor.size) throw new RangeError(`${name}: has only ${tensor.size} elements`);
    this.refuseOtherTypes(name);
    const start = this.#dataStart + tensor.begin;
    const ended = () => new UserError(`${this.path}: tensor "${name}": the file ended while it was read`);
    const convert = toFloat32[tensor.dtype];
    const pieces = convert ? this.#halves(target, start + from * 2) : floats(target, start + from * 4);
    for await (const { bytes, part, at } of readAhead(this.#handle, pieces, ended)) {
      convert?.(bytes, part);
      look(part, at);
    }
  }

  /** @throws UserError for a tensor that `read` does not read */
  refuseOtherTypes(name: string): void {
    const dtype = this.tensors.get(name)?.dtype ?? '';
    if (dtype === 'F32' || Object.hasOwn(toFloat32, dtype)) return;
    throw new UserError(`${this.path}: tensor "${name}" has the type ${dtype}; weights must be F32, BF16 or F16`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }

  /** Pieces that go into one of two buffers, from where they are converted. */
  *#halves(target: Float32Array, position: number): Generator<TensorPiece> {
    const buffers = this.#buffersFor(target.length * 2);
    const elements = pieceBytes / 2;
    for (let at = 0; at < target.length; at += elements) {
      const part = target.subarray(at, at + elements);
      const buffer = buffers[(at / elements) % 2]!;
      yield { bytes: buffer.subarray(0, part.length * 2), position: position + at * 2, part, at };
    }
  }

  /** Two that hold a piece of so many bytes, kept for the next tensor. */
  #buffersFor(bytes: number): readonly Uint8Array<ArrayBuffer>[] {
    const length = Math.min(bytes, pieceBytes);
    if ((this.#buffers[0]?.length ?? 0) < length) this.#buffers = [new Uint8Array(length), new Uint8Array(length)];
    return this.#buffers;
  }
}

interface ReadOptions {
  readonly from?: number;
  readonly look?: (part: Float32Array, at: number) => void;
}

/** A part of the target, from the place `at` on, and the bytes of the file that it is made of. */
interface TensorPiece extends Piece {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly part: Float32Array;
  readonly at: number;
}

/** Pieces that are read where they belong. */
function* floats(target: Float32Array, position: number): Generator<TensorPiece> {
  const elements = pieceBytes / 4;
  for (let at = 0; at < target.length; at += elements) {
    const part = target.subarray(at, at + elements);
    const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength) as Uint8Array<ArrayBuffer>;
    yield { bytes, position: position + at * 4, part, at };
  }
}

async function readHeader(handle: FileHandle, path: string) {
  const { size: fileBytes } = await handle.stat();
  const prefix = new Uint8Array(8);
  if (!(await fill(handle, { bytes: prefix, position: 0 })))
    throw new UserError(`${path}: has ${fileBytes} bytes, too few for a safetensors file: truncated?`);
  const headerBytes = Number(new DataView(prefix.buffer).getBigUint64(0, true));
  if (headerBytes > maxHeaderBytes)
    throw new UserError(
      `${path}: says its header has ${headerBytes} bytes; at most ${maxHeaderBytes} are allowed: not safetensors?`,
    );
  const dataStart = 8 + headerBytes;
  if (dataStart > fileBytes)
    throw new UserError(
      `${path}: says its header has ${headerBytes} bytes, but the file has only ${fileBytes}: truncated?`,
    );
  const header = new Uint8Array(headerBytes);
  await fill(handle, { bytes: header, position: 8 });
  return { tensors: parseHeader(header, fileBytes - dataStart, path), dataStart };
}

export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Or what makes them when they are written, so that not all need to be in memory. */
  readonly values: Float32Array | (() => Float32Array | Promise<Float32Array>);
}

/** Of the format: name and bytes of an element. */
const dtypes = { f32: { dtype: 'F32', bytes: 4 }, bf16: { dtype: 'BF16', bytes: 2 } } as const;

export function bytesPerElement(type: Precision): number {
  return dtypes[type].bytes;
}

/**
 * Writes tensors in the given order; the header is padded so that the data is aligned to 8 bytes.
 *
 * @throws DiskFullError with the path and the bytes needed
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly NamedTensor[],
  type: Precision = 'f32',
): Promise<void> {
  const { dtype, bytes: ofElement } = dtypes[type];
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const { name, shape } of tensors) {
    const bytes = shape.reduce((product, dimension) => product * dimension, ofElement);
    header[name] = { dtype, shape, data_offsets: [end, (end += bytes)] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const prefix = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(prefix.length - 8), true);
  prefix.set(json, 8);

  await namingFullDisk(path, prefix.length + end, async () => {
    await using file = await open(path, 'w');
    await writeAll(file, prefix);
    for (const { values } of tensors) {
      const inFloat32 = typeof values === 'function' ? await values() : values;
      const { buffer, byteOffset, byteLength } = type === 'f32' ? inFloat32 : halvesOf(inFloat32);
      await writeAll(file, new Uint8Array(buffer, byteOffset, byteLength));
    }
  });
}

function halvesOf(values: Float32Array): Uint16Array {
  const halves = new Uint16Array(values.length);
  roundToBfloat16(values, halves);
  return halves;
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += (await file.write(bytes, at, Math.min(pieceBytes, bytes.length - at))).bytesWritten;
  }
}
