import type { ParameterLayout } from '../models/parameters.ts';
import type { Parameters } from '../rollout/decoder.ts';
import { floatTensor } from '../runtime/tensor.ts';
import type { ParameterSource } from './protocol.ts';

/**
 * A worker's own copy of the parameter set it uses: the binding refuses shared memory, and a tensor over private memory
 * costs nothing to pass in. Copied again when the set has changed or another one is wanted, which is once or twice in a
 * step; a copy of each set would be one model more in the memory of every worker.
 */
export class ParameterCopy {
  readonly #values: Float32Array;
  readonly #tensors: Parameters;
  #name = '';
  #version = -1;

  constructor({ size: total, tensors }: ParameterLayout) {
    const values = new Float32Array(total);
    this.#values = values;
    this.#tensors = Object.fromEntries(
      tensors.map(({ name, shape, offset, size }) => [
        name,
        floatTensor(values.subarray(offset, offset + size), shape),
      ]),
    );
  }

  /** Tensors by name; always the same, holding what `source` holds until the next call. */
  tensors({ name, version, values }: ParameterSource): Parameters {
    if (name !== this.#name || version !== this.#version) {
      this.#values.set(values);
      [this.#name, this.#version] = [name, version];
    }
    return this.#tensors;
  }
}
