import type { PortType } from '../../graph/program.ts';
import { byteLength } from '../device-memory.ts';
import { type AnyTensor, type DeviceTensor, isOnDevice, type Tensor } from '../tensor.ts';
import type { Api, Pointer } from './api.ts';
import { placeOf } from './device-buffers.ts';

/** ONNXTensorElementDataType */
const elementTypes: Record<PortType, number> = { float32: 1, int32: 6, int64: 7, float64: 11, bfloat16: 16 };

/** OrtDeviceAllocator, OrtMemTypeDefault */
const [deviceAllocator, defaultMemory] = [0, 0];

/**
 * The library's views of tensors, one for each tensor while anybody uses it. A view does not own the memory: whoever uses one keeps its
 * tensor. They are let go by hand: a garbage collector sees only the few bytes of a tensor, and lets hundreds of megabytes of views pile up.
 */
export class Values {
  readonly #api: Api;
  /** The library's description of the memory of the process. */
  readonly memory: Pointer;
  readonly #used = new Map<AnyTensor, { readonly value: Pointer; users: number }>();

  constructor(api: Api) {
    this.#api = api;
    this.memory = api.make('CreateCpuMemoryInfo', deviceAllocator, defaultMemory);
  }

  /** @throws Error where the memory could move or shrink */
  use(tensor: AnyTensor): Pointer {
    const known = this.#used.get(tensor);
    if (known !== undefined) {
      known.users++;
      return known.value;
    }
    const value = isOnDevice(tensor) ? this.#viewOfDevice(tensor) : this.#view(tensor);
    this.#used.set(tensor, { value, users: 1 });
    return value;
  }

  /** Once for each use. */
  letGo(tensor: AnyTensor): void {
    const known = this.#used.get(tensor);
    if (known === undefined || --known.users > 0) return;
    this.#used.delete(tensor);
    this.#api.release('ReleaseValue', known.value);
  }

  #view({ data, dims, type }: Tensor): Pointer {
    const { buffer } = data; // asking for it gives a small array, which V8 would move, a place for good
    if (buffer instanceof ArrayBuffer && buffer.resizable)
      throw new Error('found a resizable buffer, expected a fixed one');
    return this.#make(this.memory, data, data.byteLength, { dims, type });
  }

  #viewOfDevice(tensor: DeviceTensor): Pointer {
    const { address, memory } = placeOf(tensor.buffer);
    return this.#make(memory, address + BigInt(tensor.offset), byteLength(tensor), tensor);
  }

  #make(memory: Pointer, data: unknown, bytes: number, { dims, type }: Pick<AnyTensor, 'dims' | 'type'>): Pointer {
    const sizes = BigInt64Array.from(dims, BigInt);
    return this.#api.make(
      'CreateTensorWithDataAsOrtValue',
      memory,
      data,
      bytes,
      sizes,
      dims.length,
      elementTypes[type],
    );
  }
}
