import { sizeOf } from '../graph/shape.ts';
import { floatTensor, release, type Tensor } from '../runtime/tensor.ts';

/**
 * Memory that one run after the other uses again, by name: as much as the largest one wanted. Arrays that are made anew for every run pile
 * up, as the garbage collector sees little of them.
 */
export class Scratch {
  readonly #arrays = new Map<string, Float32Array>();

  /** It holds what was left there, until the next call with this name. */
  tensor(name: string, dims: readonly number[]): Tensor<'float32'> {
    const size = sizeOf(dims);
    let array = this.#arrays.get(name);
    if (array === undefined || array.length < size) {
      if (array) release(array);
      array = new Float32Array(size);
      this.#arrays.set(name, array);
    }
    return floatTensor(array.subarray(0, size), dims);
  }

  /**
   * Several tensors of one shape. They lie in one array, which an allocator takes from the system and gives back: among many smaller ones
   * the gaps between what programs allocate and free would stay with the process.
   */
  tensors(name: string, count: number, dims: readonly number[]): Tensor<'float32'>[] {
    const { data } = this.tensor(name, [count, ...dims]);
    const size = sizeOf(dims);
    return Array.from({ length: count }, (_, at) => floatTensor(data.subarray(at * size, (at + 1) * size), dims));
  }
}
