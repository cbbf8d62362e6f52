import type { PortType } from '../graph/program.ts';
import { showShape, sizeOf } from '../graph/shape.ts';
import { type AnyTensor, arrays, isOnDevice, type DeviceBuffer, type DeviceTensor, type TensorData } from './tensor.ts';

/** Of the process, for each GPU: what goes in and out of it lies there on its way. */
export const pinnedBytes = 8 * 2 ** 20;

/**
 * Memory of a device, which programs read and write and TypeScript does not: numbers come and go by copies, which are counted. It belongs to the
 * thread that opened it, whose programs and copies are done in the order of the calls.
 */
export interface DeviceMemory {
  /** Holds no numbers yet: every float is NaN where that can be had for nothing. */
  allocate(bytes: number): DeviceBuffer;
  /** Nothing may be bound to it. */
  free(buffer: DeviceBuffer): void;
  copyIn<T extends PortType>(from: TensorData[T], to: DeviceTensor<T>): void;
  /** Waits for what is to be copied. */
  copyOut<T extends PortType>(from: DeviceTensor<T>, to: TensorData[T]): void;
  /** The same of several, with one wait. */
  copyAllOut(copies: readonly CopyOut[]): void;
  /** Of the same size; they do not overlap. */
  copy(from: DeviceTensor, to: DeviceTensor): void;
  fillWithZeros(tensor: DeviceTensor): void;
  /** Where other devices of this process find a tensor, with all that it is to hold by now. */
  expose<T extends PortType>(tensor: DeviceTensor<T>): PeerTensor<T>;
  /** The thread of the other device leaves it alone until this one has called `finish`. */
  copyFromPeer(from: PeerTensor, to: DeviceTensor): void;
  /** Waits until all is done that was asked for. */
  finish(): void;
  /** Since it was opened. */
  readonly traffic: DeviceTraffic;
  /** The most that was held at a time; or what all that use the device hold now, where it tells that and it is more. */
  readonly mostBytes: number;
  /** Time in which the thread waited for what was to be copied out. */
  readonly waitedMs: number;
}

/** Numbers of a device, and where they go. */
export interface CopyOut<T extends PortType = PortType> {
  readonly from: DeviceTensor<T>;
  readonly to: TensorData[T];
}

export interface DeviceTraffic {
  readonly allocations: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Copied from other devices: they cross no border of the process. */
  readonly bytesFromPeers: number;
  /** Times that the thread had to wait until the device had done what was asked for. */
  readonly waits: number;
}

/** A tensor of another device of this process, as threads tell each other of it. */
export interface PeerTensor<T extends PortType = PortType> {
  readonly type: T;
  readonly dims: readonly number[];
  /** For trainer/runtime/ffi alone. */
  readonly place: { readonly address: bigint; readonly device: number };
}

/** @throws Error where the buffer has no room for it */
export function deviceTensor<T extends PortType>(
  type: T,
  dims: readonly number[],
  buffer: DeviceBuffer,
  offset = 0,
): DeviceTensor<T> {
  const tensor = { type, dims, buffer, offset };
  requireRoom(tensor);
  return tensor;
}

/** `tensor[start … end − 1]`, in the same memory. */
export function deviceRows<T extends PortType>(
  { type, dims, buffer, offset }: DeviceTensor<T>,
  start: number,
  end: number,
): DeviceTensor<T> {
  const [count = 0, ...row] = dims;
  if (!(0 <= start && start <= end && end <= count)) {
    throw new Error(`rows ${start} … ${end} of a tensor ${showShape(dims)}: found no such rows`);
  }
  const rowBytes = sizeOf(row) * arrays[type].BYTES_PER_ELEMENT;
  return deviceTensor(type, [end - start, ...row], buffer, offset + start * rowBytes);
}

/** `tensor[start … end − 1]`, in the same memory of another device. */
export function peerRows<T extends PortType>(
  { type, dims, place: { address, device } }: PeerTensor<T>,
  start: number,
  end: number,
): PeerTensor<T> {
  const [count = 0, ...row] = dims;
  if (!(0 <= start && start <= end && end <= count)) {
    throw new Error(`rows ${start} … ${end} of a tensor ${showShape(dims)}: found no such rows`);
  }
  const rowBytes = sizeOf(row) * arrays[type].BYTES_PER_ELEMENT;
  return { type, dims: [end - start, ...row], place: { address: address + BigInt(start * rowBytes), device } };
}

/** The same of a tensor wherever it lies. */
export function tensorRows(tensor: AnyTensor, start: number, end: number): AnyTensor {
  if (isOnDevice(tensor)) return deviceRows(tensor, start, end);
  const { type, dims, data } = tensor;
  const size = sizeOf(dims.slice(1));
  return { type, dims: [end - start, ...dims.slice(1)], data: data.subarray(start * size, end * size) };
}

export function byteLength({ type, dims }: Pick<PeerTensor, 'type' | 'dims'>): number {
  return sizeOf(dims) * arrays[type].BYTES_PER_ELEMENT;
}

/** @throws Error where the memory has been freed, or is not as large as the tensor */
export function requireRoom(tensor: DeviceTensor): void {
  const { type, dims, buffer, offset } = tensor;
  const what = () => `a tensor ${type} ${showShape(dims)} of a device`;
  if (buffer.isFreed) throw new Error(`${what()}: found memory that has been freed`);
  const [size, alignment] = [byteLength(tensor), arrays[type].BYTES_PER_ELEMENT];
  if (
    Number.isSafeInteger(size) &&
    size >= 0 &&
    offset >= 0 &&
    offset % alignment === 0 &&
    offset + size <= buffer.bytes
  )
    return;
  throw new Error(`${what()}: found ${buffer.bytes} bytes, expected ${size} from byte ${offset} on`);
}
