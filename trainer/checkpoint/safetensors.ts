import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { UserError } from '../contract/errors.ts';
import { namingFullDisk } from '../contract/full-disk.ts';
import { openInput } from '../contract/input-file.ts';
import { maxHeaderBytes, parseHeader } from './safetensors-header.ts';
import type { TensorEntry } from './safetensors-header.ts';

/** Files are read and written in pieces of this size, so that memory stays flat and no call nears 2 GiB. */
const chunkBytes = 4 << 20;

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
   * @param from the first element that is read
   * @throws UserError for another type, or when the file has become shorter
   */
  async read(name: string, target: Float32Array, from = 0): Promise<void> {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) throw new RangeError(`${this.path}: has no tensor "${name}"`);
    if (from + target.length > tensor.size) throw new RangeError(`${name}: has only ${tensor.size} elements`);
    const start = this.#dataStart + tensor.begin;
    if (tensor.dtype === 'F32') {
      const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
      for (let at = 0; at < bytes.length; at += chunkBytes)
        await this.#fill(bytes.subarray(at, at + chunkBytes), start + from * 4 + at, name);
      return;
    }
    this.refuseOtherTypes(name);
    const convert = toFloat32[tensor.dtype]!;
    const chunk = new Uint8Array(Math.min(chunkBytes, target.length * 2));
    for (let at = 0; at < target.length; at += chunk.length / 2) {
      const part = target.subarray(at, at + chunk.length / 2);
      const bytes = chunk.subarray(0, part.length * 2);
      await this.#fill(bytes, start + (from + at) * 2, name);
      convert(bytes, part);
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

  async #fill(bytes: Uint8Array, position: number, name: string): Promise<void> {
    if (!(await fill(this.#handle, bytes, position)))
      throw new UserError(`${this.path}: tensor "${name}": the file ended while it was read`);
  }
}

async function readHeader(handle: FileHandle, path: string) {
  const { size: fileBytes } = await handle.stat();
  const prefix = new Uint8Array(8);
  if (!(await fill(handle, prefix, 0)))
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
  await fill(handle, header, 8);
  return { tensors: parseHeader(header, fileBytes - dataStart, path), dataStart };
}

/** Reads until `bytes` is full; false if the file ends before. */
async function fill(handle: FileHandle, bytes: Uint8Array, position: number): Promise<boolean> {
  for (let done = 0; done < bytes.length;) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, position + done);
    if (bytesRead === 0) return false;
    done += bytesRead;
  }
  return true;
}

export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/**
 * Writes tensors as F32 in the given order; the header is padded so that the data is aligned to 8 bytes.
 *
 * @throws DiskFullError with the path and the bytes needed
 */
export async function writeSafetensors(path: string, tensors: readonly NamedTensor[]): Promise<void> {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let end = 0;
  for (const { name, shape, values } of tensors) {
    header[name] = { dtype: 'F32', shape, data_offsets: [end, (end += values.byteLength)] };
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const prefix = new Uint8Array(8 + Math.ceil(json.length / 8) * 8).fill(0x20);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(prefix.length - 8), true);
  prefix.set(json, 8);

  await namingFullDisk(path, prefix.length + end, async () => {
    await using file = await open(path, 'w');
    await writeAll(file, prefix);
    for (const { values } of tensors)
      await writeAll(file, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  });
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += (await file.write(bytes, at, Math.min(chunkBytes, bytes.length - at))).bytesWritten;
  }
}
