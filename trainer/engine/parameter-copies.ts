import type { ParameterLayout } from '../models/parameters.ts';
import type { Parameters } from '../rollout/decoder.ts';
import { floatTensor } from '../runtime/tensor.ts';
import type { ParameterSource } from './protocol.ts';

interface Copy {
  version: number;
  readonly values: Float32Array;
  readonly tensors: Parameters;
}

/**
 * A worker's own copies of the parameter sets it uses: the binding refuses shared memory, and a tensor over private memory
 * costs nothing to pass in. Copied again only when the set has changed.
 */
export class ParameterCopies {
  readonly #layout: ParameterLayout;
  readonly #copies = new Map<string, Copy>();

  constructor(layout: ParameterLayout) {
    this.#layout = layout;
  }

  /** Tensors by name; they keep their identity, and their contents until the next call. */
  tensors(source: ParameterSource): Parameters {
    let copy = this.#copies.get(source.name);
    if (copy === undefined) {
      const values = new Float32Array(this.#layout.size);
      const tensors = Object.fromEntries(
        this.#layout.tensors.map(({ name, shape, offset, size }) => [
          name,
          floatTensor(values.subarray(offset, offset + size), shape),
        ]),
      );
      copy = { version: -1, values, tensors };
      this.#copies.set(source.name, copy);
    }
    if (copy.version !== source.version) {
      copy.values.set(source.values);
      copy.version = source.version;
    }
    return copy.tensors;
  }
}
