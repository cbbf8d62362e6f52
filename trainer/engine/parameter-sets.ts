import type { ParameterSource } from './protocol.ts';
import { shared } from './shared-memory.ts';

interface ParameterSet {
  readonly values: Float32Array;
  version: number;
}

/** Flat parameters of the same layout in shared memory, by name. A version counts up with every change. */
export class ParameterSets {
  /** Numbers in each set. */
  readonly #size: number;
  readonly #sets = new Map<string, ParameterSet>();

  constructor(size: number) {
    this.#size = size;
  }

  get(name: string): ParameterSet {
    const set = this.#sets.get(name);
    if (set === undefined) throw new Error(`no parameter set ${name}; there are ${[...this.#sets.keys()].join(', ')}`);
    return set;
  }

  /** Adds or replaces a set. Values in shared memory are used in place. */
  put(name: string, values: Float32Array): void {
    if (values.length !== this.#size) {
      throw new Error(`parameter set ${name}: ${values.length} numbers, the model has ${this.#size}`);
    }
    const version = (this.#sets.get(name)?.version ?? 0) + 1;
    this.#sets.set(name, { values: values.buffer instanceof SharedArrayBuffer ? values : shared(values), version });
  }

  /** Makes `to` a copy of `from` as it is now. */
  copy(from: string, to: string): void {
    const { values } = this.get(from);
    const target = this.#sets.get(to);
    if (target === undefined) this.put(to, shared(values));
    else {
      target.values.set(values);
      target.version++;
    }
  }

  /** For a worker thread. */
  source(name: string): ParameterSource {
    return { name, ...this.get(name) };
  }
}
