import type { ParameterLayout } from '../../models/parameters.ts';
import type { ParameterStore } from '../backend.ts';
import type { ParameterSource, Weights } from './protocol.ts';
import { shared, sharedHalves } from './shared-memory.ts';

interface ParameterSet {
  /** What is never trained: the same memory in all sets that are copies of one. */
  readonly frozen: Part;
  readonly trained: Part;
  /** Of the memory that they lie in. */
  readonly place: number;
  version: number;
}

interface Part extends Weights {
  /** The copy in bfloat16 is of the values as they are. */
  isRounded: boolean;
}

/** A part of a set whose copy in bfloat16 is not of its values. */
export interface UnroundedPart {
  readonly part: 'frozen' | 'trained';
  readonly values: Float32Array;
  readonly rounded: Uint16Array;
  /** The copy has been made. */
  readonly done: () => void;
}

const policyName = 'policy';

/** Flat parameters of the same layout in shared memory, by name. A version counts up with every change. */
export class ParameterSets implements ParameterStore {
  readonly #layout: ParameterLayout;
  readonly #sets = new Map<string, ParameterSet>();
  /** The parts of which products read a copy in bfloat16. */
  readonly #rounded: { readonly frozen: boolean; readonly trained: boolean };
  #places = 0;

  /** @param inBfloat16 whether programs are given tensors of the layout in bfloat16 where it says so */
  constructor(layout: ParameterLayout, inBfloat16: boolean) {
    this.#layout = layout;
    const some = (trained: boolean) =>
      layout.tensors.some((tensor) => tensor.trained === trained && tensor.type === 'bfloat16');
    this.#rounded = { frozen: inBfloat16 && some(false), trained: inBfloat16 && some(true) };
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
    this.#set(name, this.#part('frozen', memory.subarray(0, frozen)), memory.subarray(frozen));
  }

  putTrained(name: string, trained: Float32Array): void {
    const { size, frozen } = this.#layout;
    expectSize(name, trained, size - frozen);
    this.#set(name, this.#get(policyName).frozen, inSharedMemory(trained));
  }

  #set(name: string, frozen: Part, trained: Float32Array): void {
    const version = (this.#sets.get(name)?.version ?? 0) + 1;
    this.#sets.set(name, { frozen, trained: this.#part('trained', trained), place: this.#places++, version });
  }

  #part(part: 'frozen' | 'trained', values: Float32Array): Part {
    const rounded = this.#rounded[part] ? sharedHalves(values.length) : undefined;
    return { values, rounded, isRounded: rounded === undefined };
  }

  copy(from: string, to: string): void {
    const { frozen, trained } = this.#get(from);
    const target = this.#sets.get(to);
    if (target === undefined) this.#set(to, frozen, shared(trained.values));
    else {
      target.trained.values.set(trained.values);
      changed(target);
    }
  }

  policy(): Float32Array {
    const { buffer, byteOffset } = this.#get(policyName).frozen.values;
    return new Float32Array(buffer, byteOffset, this.#layout.size);
  }

  trained(name: string): Float32Array {
    return this.#get(name).trained.values;
  }

  version(name: string): number {
    return this.#get(name).version;
  }

  /** What is trained of a set, to be changed in place from now on. */
  changing(name: string): Float32Array {
    const set = this.#get(name);
    changed(set);
    return set.trained.values;
  }

  /** Of a set, what has to be rounded before a program may read it. */
  unrounded(name: string): UnroundedPart[] {
    const set = this.#get(name);
    return (['frozen', 'trained'] as const).flatMap((part) => {
      const weights = set[part];
      const { values, rounded, isRounded } = weights;
      if (rounded === undefined || isRounded) return [];
      return [{ part, values, rounded, done: () => void (weights.isRounded = true) }];
    });
  }

  /** For a worker thread. */
  source(name: string): ParameterSource {
    const { frozen, trained, place, version } = this.#get(name);
    return { name, place, version, frozen: weightsOf(frozen), trained: weightsOf(trained) };
  }
}

function changed(set: ParameterSet): void {
  set.version++;
  set.trained.isRounded = set.trained.rounded === undefined;
}

function weightsOf({ values, rounded }: Part): Weights {
  return { values, rounded };
}

function expectSize(name: string, values: Float32Array, size: number): void {
  if (values.length !== size) throw new Error(`parameter set ${name}: ${values.length} numbers, the model has ${size}`);
}

function inSharedMemory(values: Float32Array): Float32Array {
  return values.buffer instanceof SharedArrayBuffer ? values : shared(values);
}
