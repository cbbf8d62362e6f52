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
}
