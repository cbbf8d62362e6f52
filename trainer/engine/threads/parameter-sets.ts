import type { ParameterStore } from '../backend.ts';
import type { ParameterSource } from './protocol.ts';
import { shared } from './shared-memory.ts';

interface ParameterSet {
  readonly values: Float32Array;
  /** Of the memory that the values lie in. */
  readonly place: number;
  version: number;
}

/** Flat parameters of the same layout in shared memory, by name. A version counts up with every change. */
export class ParameterSets implements ParameterStore {
  /** Numbers in each set. */
  readonly #size: number;
  readonly #sets = new Map<string, ParameterSet>();
  #places = 0;

  constructor(size: number) {
    this.#size = size;
  }

  #get(name: string): ParameterSet {
    const set = this.#sets.get(name);
    if (set === undefined) throw new Error(`no parameter set ${name}; there are ${[...this.#sets.keys()].join(', ')}`);
    return set;
  }

  put(name: string, values: Float32Array): void {
    if (values.length !== this.#size) {
      throw new Error(`parameter set ${name}: ${values.length} numbers, the model has ${this.#size}`);
    }
    const version = (this.#sets.get(name)?.version ?? 0) + 1;
    const lasting = values.buffer instanceof SharedArrayBuffer ? values : shared(values);
    this.#sets.set(name, { values: lasting, place: this.#places++, version });
  }

  copy(from: string, to: string): void {
    const { values } = this.#get(from);
    const target = this.#sets.get(to);
    if (target === undefined) this.put(to, shared(values));
    else {
      target.values.set(values);
      target.version++;
    }
  }

  values(name: string): Float32Array {
    return this.#get(name).values;
  }

  version(name: string): number {
    return this.#get(name).version;
  }

  /** A set's values, to be changed in place from now on. */
  changing(name: string): Float32Array {
    const set = this.#get(name);
    set.version++;
    return set.values;
  }

  /** For a worker thread. */
  source(name: string): ParameterSource {
    return { name, ...this.#get(name) };
  }
}
