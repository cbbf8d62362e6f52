import type { PortType } from '../../graph/program.ts';
import { byteLength, type DeviceMemory, requireRoom } from '../device-memory.ts';
import { arrays, type DeviceBuffer, type DeviceTensor, type TensorData } from '../tensor.ts';
import type { Api, Pointer } from './api.ts';
import { newBuffer } from './device-buffers.ts';

/** Every float of these bytes is NaN, and every index far from any. */
const poison = 0xff;

/** A device without a device: its memory is that of the library's allocator, and as hidden as a real one's. */
export class HostMemory implements DeviceMemory {
  readonly #api: Api;
  readonly #memory: Pointer;
  readonly #allocator: Pointer;
  readonly #allocated = new Map<DeviceBuffer, Allocation>();
  readonly #traffic = { allocations: 0, bytesIn: 0, bytesOut: 0 };

  /** @param memory the library's description of the memory of its allocator */
  constructor(api: Api, memory: Pointer) {
    this.#api = api;
    this.#memory = memory;
    this.#allocator = api.make('GetAllocatorWithDefaultOptions');
  }

  get traffic() {
    return { ...this.#traffic };
  }

  allocate(bytes: number): DeviceBuffer {
    if (!Number.isSafeInteger(bytes) || bytes <= 0) throw new Error(`found ${bytes} bytes, expected some to allocate`);
    const address = this.#api.make('AllocatorAlloc', this.#allocator, bytes);
    const { buffer, freed } = newBuffer(bytes, { address, memory: this.#memory });
    const content = this.#api.bytesAt(address, bytes).fill(poison);
    this.#allocated.set(buffer, { address, content, freed });
    this.#traffic.allocations++;
    return buffer;
  }

  free(buffer: DeviceBuffer): void {
    const { address, freed } = this.#allocation(buffer);
    this.#allocated.delete(buffer);
    freed();
    this.#api.call('AllocatorFree', this.#allocator, address);
  }

  copyIn<T extends PortType>(from: TensorData[T], to: DeviceTensor<T>): void {
    this.#content(to).set(bytesOf(from, to));
    this.#traffic.bytesIn += from.byteLength;
  }

  copyOut<T extends PortType>(from: DeviceTensor<T>, to: TensorData[T]): void {
    bytesOf(to, from).set(this.#content(from));
    this.#traffic.bytesOut += to.byteLength;
  }

  copy(from: DeviceTensor, to: DeviceTensor): void {
    const [source, target] = [this.#content(from), this.#content(to)];
    if (source.length !== target.length) {
      throw new Error(`copying ${source.length} bytes of a device: found room for ${target.length}`);
    }
    target.set(source);
  }

  fillWithZeros(tensor: DeviceTensor): void {
    this.#content(tensor).fill(0);
  }

  #content(tensor: DeviceTensor): Uint8Array {
    requireRoom(tensor);
    const { content } = this.#allocation(tensor.buffer);
    return content.subarray(tensor.offset, tensor.offset + byteLength(tensor));
  }

  #allocation(buffer: DeviceBuffer): Allocation {
    const found = this.#allocated.get(buffer);
    if (found !== undefined) return found;
    throw new Error(`found a buffer that ${buffer.isFreed ? 'has been freed' : 'is of another device'}`);
  }
}

interface Allocation {
  readonly address: Pointer;
  readonly content: Uint8Array;
  readonly freed: () => void;
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
