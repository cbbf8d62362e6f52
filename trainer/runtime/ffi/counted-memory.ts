import type { PortType } from '../../graph/program.ts';
import { byteLength, type CopyOut, type DeviceMemory, type PeerTensor, requireRoom } from '../device-memory.ts';
import { arrays, type DeviceBuffer, type DeviceTensor, type TensorData } from '../tensor.ts';
import type { Pointer } from './api.ts';
import { newBuffer } from './device-buffers.ts';

/** What fresh memory is filled with: every float of these bytes is NaN, and every index far from any. */
export const poison = 0xff;

/** What a device does with addresses of its own. It may do it later, in the order of the calls. */
export interface MemoryCalls {
  /** The library's description of this memory. */
  readonly memory: Pointer;
  /** Its number among the devices of the process. */
  readonly device: number;
  allocate(bytes: number): Pointer;
  free(address: Pointer): void;
  /** Has read all of `from` when it returns. */
  copyIn(from: Uint8Array, to: Pointer): void;
  /** Has written all of each `to` when it returns. */
  copyOut(copies: readonly { readonly from: Pointer; readonly to: Uint8Array }[]): void;
  copy(from: Pointer, to: Pointer, bytes: number): void;
  fillWithZeros(at: Pointer, bytes: number): void;
  /** From memory of another device, by its number. */
  copyFromPeer(from: Pointer, device: number, to: Pointer, bytes: number): void;
  /** Has done all of the calls before it when it returns. */
  finish(): void;
  /** Of all that use the device, where it tells. */
  usedBytes?(): number;
}

/** A device's memory: every call is checked before it reaches the device, and what crosses its border is counted. */
export class CountedMemory implements DeviceMemory {
  readonly #calls: MemoryCalls;
  readonly #allocated = new Map<DeviceBuffer, { readonly address: Pointer; readonly freed: () => void }>();
  #heldBytes = 0;
  #mostBytes = 0;
  #waitedMs = 0;
  readonly #traffic = { allocations: 0, bytesIn: 0, bytesOut: 0, bytesFromPeers: 0, waits: 0 };

  constructor(calls: MemoryCalls) {
    this.#calls = calls;
  }

  get traffic() {
    return { ...this.#traffic };
  }

  get mostBytes() {
    return Math.max(this.#mostBytes, this.#calls.usedBytes?.() ?? 0);
  }

  get waitedMs() {
    return this.#waitedMs;
  }

  allocate(bytes: number): DeviceBuffer {
    if (!Number.isSafeInteger(bytes) || bytes <= 0) throw new Error(`found ${bytes} bytes, expected some to allocate`);
    const address = this.#calls.allocate(bytes);
    const { buffer, freed } = newBuffer(bytes, { address, memory: this.#calls.memory });
    this.#allocated.set(buffer, { address, freed });
    this.#traffic.allocations++;
    this.#heldBytes += bytes;
    this.#mostBytes = Math.max(this.#mostBytes, this.#heldBytes);
    return buffer;
  }

  free(buffer: DeviceBuffer): void {
    const { address, freed } = this.#allocation(buffer);
    this.#allocated.delete(buffer);
    freed();
    this.#heldBytes -= buffer.bytes;
    this.#calls.free(address);
  }

  copyIn<T extends PortType>(from: TensorData[T], to: DeviceTensor<T>): void {
    this.#calls.copyIn(bytesOf(from, to), this.#address(to));
    this.#traffic.bytesIn += from.byteLength;
  }

  copyOut<T extends PortType>(from: DeviceTensor<T>, to: TensorData[T]): void {
    this.copyAllOut([{ from, to }]);
  }

  copyAllOut(copies: readonly CopyOut[]): void {
    const checked = copies.map(({ from, to }) => ({ from: this.#address(from), to: bytesOf(to, from) }));
    this.#wait(() => this.#calls.copyOut(checked));
    for (const { to } of checked) this.#traffic.bytesOut += to.length;
  }

  copy(from: DeviceTensor, to: DeviceTensor): void {
    this.#calls.copy(this.#address(from), this.#address(to), sameBytes(from, to));
  }

  fillWithZeros(tensor: DeviceTensor): void {
    this.#calls.fillWithZeros(this.#address(tensor), byteLength(tensor));
  }

  expose<T extends PortType>(tensor: DeviceTensor<T>): PeerTensor<T> {
    const { type, dims } = tensor;
    const address = this.#address(tensor);
    this.finish();
    return { type, dims, place: { address, device: this.#calls.device } };
  }

  copyFromPeer(from: PeerTensor, to: DeviceTensor): void {
    const { address, device } = from.place;
    this.#calls.copyFromPeer(address, device, this.#address(to), sameBytes(from, to));
    this.#traffic.bytesFromPeers += byteLength(to);
  }

  finish(): void {
    this.#wait(() => this.#calls.finish());
  }

  #wait(forDevice: () => void): void {
    const startedMs = performance.now();
    forDevice();
    this.#waitedMs += performance.now() - startedMs;
    this.#traffic.waits++;
  }

  #address(tensor: DeviceTensor): Pointer {
    requireRoom(tensor);
    return this.#allocation(tensor.buffer).address + BigInt(tensor.offset);
  }

  #allocation(buffer: DeviceBuffer) {
    const found = this.#allocated.get(buffer);
    if (found !== undefined) return found;
    throw new Error(`found a buffer that ${buffer.isFreed ? 'has been freed' : 'is of another device'}`);
  }
}

/** @throws Error where one has more than the other */
function sameBytes(from: PeerTensor | DeviceTensor, to: DeviceTensor): number {
  const [bytes, room] = [byteLength(from), byteLength(to)];
  if (bytes !== room) throw new Error(`copying ${bytes} bytes of a device: found room for ${room}`);
  return bytes;
}

/** An array of the process as bytes. @throws Error unless it has the numbers of the tensor */
function bytesOf(array: TensorData[PortType], tensor: DeviceTensor): Uint8Array {
  if (!(array instanceof arrays[tensor.type]) || array.byteLength !== byteLength(tensor)) {
    throw new Error(
      `found ${array.length} numbers in a ${array.constructor.name}, ` +
        `expected ${byteLength(tensor)} bytes in a ${arrays[tensor.type].name}`,
    );
  }
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
