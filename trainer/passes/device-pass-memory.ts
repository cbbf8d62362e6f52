import type { PortType } from '../graph/program.ts';
import { sizeOf } from '../graph/shape.ts';
import { addRowsProgram, pickRowsProgram, widenProgram } from '../models/programs.ts';
import { byteLength, type DeviceMemory, deviceRows, deviceTensor } from '../runtime/device-memory.ts';
import type { ExecutableCache } from '../runtime/executable-cache.ts';
import {
  type AnyTensor,
  arrays,
  type DeviceBuffer,
  type DeviceTensor,
  isOnDevice,
  type TensorData,
} from '../runtime/tensor.ts';
import type { PassMemory } from './pass-memory.ts';

/** Bytes, by name. */
export type MemoryRoom = Readonly<Record<string, number>>;

/** Memory of a device, by name. What a loop does in the process is a program here. */
export class DevicePassMemory implements PassMemory {
  readonly #device: DeviceMemory;
  readonly #programs: ExecutableCache;
  readonly #buffers = new Map<string, DeviceBuffer>();

  constructor(device: DeviceMemory, programs: ExecutableCache) {
    this.#device = device;
    this.#programs = programs;
  }

  tensor<T extends PortType = 'float32'>(
    name: string,
    dims: readonly number[],
    type = 'float32' as T,
  ): DeviceTensor<T> {
    return deviceTensor(type, dims, this.#buffer(name, byteLength({ type, dims })));
  }

  #buffer(name: string, bytes: number): DeviceBuffer {
    let buffer = this.#buffers.get(name);
    if (buffer === undefined || buffer.bytes < bytes) {
      if (buffer) this.#device.free(buffer);
      buffer = this.#device.allocate(roundedUp(bytes));
      this.#buffers.set(name, buffer);
    }
    return buffer;
  }

  tensors(name: string, count: number, dims: readonly number[]): DeviceTensor[] {
    const all = this.tensor(name, [count, ...dims]);
    return Array.from({ length: count }, (_, at) => ({ ...deviceRows(all, at, at + 1), dims }));
  }

  floats(name: string, values: Float32Array, dims: readonly number[]): DeviceTensor {
    return this.#with(name, 'float32', values, dims);
  }

  doubles(name: string, values: Float64Array, dims: readonly number[]): DeviceTensor {
    return this.#with(name, 'float64', values, dims);
  }

  async indices(name: string, values: readonly number[], dims: readonly number[]): Promise<DeviceTensor> {
    const tensor = this.tensor(name, dims, 'int64');
    await this.writeIndices(tensor, values);
    return tensor;
  }

  /** They cross the border in 32 bits. */
  async writeIndices(tensor: AnyTensor, values: readonly number[]): Promise<void> {
    const count = values.length;
    const { buffer } = onDevice(tensor);
    // A list in this memory may become as long as it has room for, such as a table of sequences that grow.
    this.tensor('words', [buffer.bytes / arrays.int64.BYTES_PER_ELEMENT], 'int32');
    const words = this.#with('words', 'int32', Int32Array.from(values), [count]);
    const program = await this.#programs.get('widen', widenProgram);
    await program.run({ words }, { indices: { ...onDevice(tensor), dims: [count] } });
  }

  fillWithZeros(tensor: AnyTensor): void {
    this.#device.fillWithZeros(onDevice(tensor));
  }

  read(tensor: AnyTensor): Float32Array {
    const [numbers] = this.readAll([tensor]);
    return numbers as Float32Array;
  }

  readDoubles(tensor: DeviceTensor<'float64'>): Float64Array {
    const numbers = new Float64Array(sizeOf(tensor.dims));
    this.#device.copyOut(tensor, numbers);
    return numbers;
  }

  readAll(tensors: readonly AnyTensor[]): readonly Float32Array[] {
    const copies = tensors.map((tensor) => roomFor(onDevice(tensor) as DeviceTensor<'float32'>));
    this.#device.copyAllOut(copies);
    return copies.map(({ to }) => to);
  }

  /** Tokens with a number of each, with one wait. */
  readTokens(
    tokens: DeviceTensor<'int32'>,
    numbers: DeviceTensor<'float32'>,
  ): { readonly tokens: Int32Array; readonly numbers: Float32Array } {
    const [ofTokens, ofNumbers] = [{ from: tokens, to: new Int32Array(sizeOf(tokens.dims)) }, roomFor(numbers)];
    this.#device.copyAllOut([ofTokens, ofNumbers]);
    return { tokens: ofTokens.to, numbers: ofNumbers.to };
  }

  /** Bytes of memory, by name. */
  get room(): MemoryRoom {
    return Object.fromEntries([...this.#buffers].map(([name, { bytes }]) => [name, bytes]));
  }

  /** As much memory of each name, at least. */
  makeRoom(room: MemoryRoom): void {
    for (const [name, bytes] of Object.entries(room)) this.#buffer(name, bytes);
  }

  copy(from: DeviceTensor, to: DeviceTensor): void {
    this.#device.copy(from, to);
  }

  async pickRows(matrix: AnyTensor, rows: AnyTensor): Promise<DeviceTensor> {
    const program = await this.#programs.get('pick rows', pickRowsProgram);
    const picked = this.tensor('picked rows', [...rows.dims, ...matrix.dims.slice(1)]);
    await program.run({ matrix, rows }, { picked });
    return picked;
  }

  async addRows(matrix: AnyTensor, rows: AnyTensor, updates: AnyTensor): Promise<void> {
    const program = await this.#programs.get('add rows', addRowsProgram);
    await program.run({ matrix, rows, updates }, { sum: matrix });
  }

  #with<T extends PortType>(name: string, type: T, values: TensorData[T], dims: readonly number[]) {
    const tensor = this.tensor(name, dims, type);
    this.#device.copyIn(values, tensor);
    return tensor;
  }
}

/** Lists of ids and of numbers of losses are no longer than this, as a rule. */
const leastBytes = 64 * 1024;

/** By up to an eighth, so that lengths that grow little by little seldom take new memory. */
function roundedUp(bytes: number): number {
  if (bytes <= leastBytes) return leastBytes;
  const unit = 2 ** (Math.floor(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / unit) * unit;
}

function roomFor(from: DeviceTensor<'float32'>) {
  return { from, to: new Float32Array(sizeOf(from.dims)) };
}

function onDevice(tensor: AnyTensor): DeviceTensor {
  if (!isOnDevice(tensor)) throw new Error('found a tensor of the process, expected one of a device');
  return tensor;
}
