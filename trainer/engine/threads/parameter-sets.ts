import type { ParameterLayout } from '../../models/parameters.ts';
import type { ParameterStore } from '../backend.ts';
import type { ParameterSource } from './protocol.ts';
import { shared } from './shared-memory.ts';

interface ParameterSet {
  /** What is never trained: the same memory in all sets that are copies of one. */
  readonly frozen: Float32Array;
  readonly trained: Float32Array;
  /** Of the memory that they lie in. */
  readonly place: number;
  version: number;
}

const policyName = 'policy';

/** Flat parameters of the same layout in shared memory, by name. A version counts up with every change. */
export class ParameterSets implements ParameterStore {
  readonly #layout: ParameterLayout;
  readonly #sets = new Map<string, ParameterSet>();
  #places = 0;

  constructor(layout: ParameterLayout) {
    this.#layout = layout;
  }

  #get(name: string): ParameterSet {
    const set = this.#sets.get(name);
    if (set === undefined) throw new Error(`no parameter set ${name}; there are ${[...this.#sets.keys()].join(', ')}`);
    return set;
  }

  put(name: string, values: Float32Array): void {
    const { size, frozen } = this.#layout;
    expectSize(name, values, size);
    const memory = inSharedMemory(values);
    this.#set(name, memory.subarray(0, frozen), memory.subarray(frozen));
  }

  putTrained(name: string, trained: Float32Array): void {
    const { size, frozen } = this.#layout;
    expectSize(name, trained, size - frozen);
    this.#set(name, this.#get(policyName).frozen, inSharedMemory(trained));
  }

  #set(name: string, frozen: Float32Array, trained: Float32Array): void {
    const version = (this.#sets.get(name)?.version ?? 0) + 1;
    this.#sets.set(name, { frozen, trained, place: this.#places++, version });
  }

  copy(from: string, to: string): void {
    const { frozen, trained } = this.#get(from);
    const target = this.#sets.get(to);
    if (target === undefined) this.#set(to, frozen, shared(trained));
    else {
      target.trained.set(trained);
      target.version++;
    }
  }

  policy(): Float32Array {
    const { buffer, byteOffset } = this.#get(policyName).frozen;
    return new Float32Array(buffer, byteOffset, this.#layout.size);
  }

  trained(name: string): Float32Array {
    return this.#get(name).trained;
  }

  version(name: string): number {
    return this.#get(name).version;
  }

  /** What is trained of a set, to be changed in place from now on. */
  changing(name: string): Float32Array {
    const set = this.#get(name);
    set.version++;
    return set.trained;
  }

  /** For a worker thread. */
  source(name: string): ParameterSource {
    return { name, ...this.#get(name) };
  }
}

function expectSize(name: string, values: Float32Array, size: number): void {
  if (values.length !== size) throw new Error(`parameter set ${name}: ${values.length} numbers, the model has ${size}`);
}

function inSharedMemory(values: Float32Array): Float32Array {
  return values.buffer instanceof SharedArrayBuffer ? values : shared(values);
}
