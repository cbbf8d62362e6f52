import type { PortType } from '../graph/program.ts';

/** Numbers of a tensor, by its element type. */
export interface TensorData {
  readonly float32: Float32Array;
  /** The upper halves of float32. */
  readonly bfloat16: Uint16Array;
  readonly float64: Float64Array;
  readonly int64: BigInt64Array;
  readonly int32: Int32Array;
}

/** A tensor in the memory of the process: a program reads and writes `data` itself, never a copy. */
export interface Tensor<T extends PortType = PortType> {
  readonly type: T;
  readonly dims: readonly number[];
  /** Row by row, product of `dims` numbers. */
  readonly data: TensorData[T];
}

/** Tensors by the names of the ports that they are for. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** A piece of a device's memory. Who sees one sees no address. */
export interface DeviceBuffer {
  readonly bytes: number;
  readonly isFreed: boolean;
}

/** A tensor whose numbers lie where TypeScript cannot read them: see device-memory.ts. */
export interface DeviceTensor<T extends PortType = PortType> {
  readonly type: T;
  readonly dims: readonly number[];
  readonly buffer: DeviceBuffer;
  /** Of its first number in the buffer, in bytes. */
  readonly offset: number;
}

/** Wherever it lies. */
export type AnyTensor = Tensor | DeviceTensor;
export type AnyTensors = Readonly<Record<string, AnyTensor>>;

/** @throws Error for a tensor of a device */
export function inProcess(tensor: AnyTensor): Tensor {
  if (isOnDevice(tensor)) throw new Error('found a tensor of a device, expected one in the memory of the process');
  return tensor;
}

export function isOnDevice(tensor: AnyTensor): tensor is DeviceTensor {
  return 'buffer' in tensor;
}

/** A float32 tensor over `data`. */
export function floatTensor(data: Float32Array, dims: readonly number[]): Tensor<'float32'> {
  return { type: 'float32', dims, data };
}

/** An int64 tensor of non-negative 32-bit numbers such as token ids. */
export function indexTensor(values: ArrayLike<number>, dims: readonly number[]): Tensor<'int64'> {
  const data = new BigInt64Array(new ArrayBuffer(values.length * BigInt64Array.BYTES_PER_ELEMENT));
  const tensor = { type: 'int64', dims, data } as const;
  writeIndices(tensor, values);
  return tensor;
}

/** Writes non-negative 32-bit numbers over those of an int64 tensor. */
export function writeIndices(tensor: Tensor, values: ArrayLike<number>): void {
  const words = wordsOf(tensor);
  for (let i = 0; i < values.length; i++) words[2 * i] = values[i] as number;
}

/** Of an int64 tensor. Little-endian: the low word of a number comes first, and the high one is 0 of those that are written here. */
export function wordsOf({ data }: Tensor): Int32Array {
  return new Int32Array(data.buffer, data.byteOffset, 2 * data.length);
}

/** The kind of array that holds an element type. */
export const arrays = {
  float32: Float32Array,
  bfloat16: Uint16Array,
  float64: Float64Array,
  int64: BigInt64Array,
  int32: Int32Array,
} as const;

/** The values of a float32 output. */
export function floats(outputs: Tensors, name: string): Float32Array {
  const data = outputs[name]?.data;
  if (!(data instanceof Float32Array)) throw new Error(`the program has no float32 output ${name}`);
  return data;
}

/** Frees an output's memory now instead of at some later garbage collection, which lets a large model's pile up. */
export function release(output: Float32Array | Uint16Array): void {
  if (output.buffer instanceof ArrayBuffer) output.buffer.transfer(0);
}
