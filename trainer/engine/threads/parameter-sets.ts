import type { ParameterLayout, ParameterTensor } from '../../models/parameters.ts';
import type { ParameterStore, WriteTensors } from '../backend.ts';
import type { ParameterSource, Weights } from './protocol.ts';
import { shared, sharedFloats, sharedHalves } from './shared-memory.ts';

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

/** Parameters of the same layout in shared memory, by name: a set is written where it is read, and its tensors lie one behind the other. */
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

  async read(name: string, tensor: ParameterTensor): Promise<Float32Array> {
    return this.#memoryOf(this.#get(name), tensor);
  }

  async put(name: string, write: WriteTensors): Promise<void> {
    if (!this.#sets.has(name)) {
      const { size, frozen } = this.#layout;
      this.#add(name, this.#part('frozen', sharedFloats(frozen)), sharedFloats(size - frozen));
    }
    expectRounding(this.#get(name).frozen);
    await this.#write(name, write);
  }

  async putTrained(name: string, write: WriteTensors): Promise<void> {
    if (!this.#sets.has(name)) {
      const { size, frozen } = this.#layout;
      this.#add(name, this.#get(policyName).frozen, sharedFloats(size - frozen));
    }
    await this.#write(name, write);
  }

  #add(name: string, frozen: Part, trained: Float32Array): void {
    this.#sets.set(name, { frozen, trained: this.#part('trained', trained), place: this.#places++, version: 0 });
  }

  #part(part: 'frozen' | 'trained', values: Float32Array): Part {
    const rounded = this.#rounded[part] ? sharedHalves(values.length) : undefined;
    return { values, rounded, isRounded: rounded === undefined };
  }

  async #write(name: string, write: WriteTensors): Promise<void> {
    const set = this.#get(name);
    changed(set);
    await write(async (tensor) => this.#memoryOf(set, tensor));
  }

  #memoryOf({ frozen, trained }: ParameterSet, { offset, size }: ParameterTensor): Float32Array {
    const start = offset < this.#layout.frozen ? offset : offset - this.#layout.frozen;
    return (offset < this.#layout.frozen ? frozen : trained).values.subarray(start, start + size);
  }

  async copy(from: string, to: string): Promise<void> {
    const { frozen, trained } = this.#get(from);
    const target = this.#sets.get(to);
    if (target === undefined) this.#add(to, frozen, shared(trained.values));
    else {
      target.trained.values.set(trained.values);
      changed(target);
    }
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

/** What is trained of it is another from now on. */
function changed(set: ParameterSet): void {
  set.version++;
  expectRounding(set.trained);
}

function expectRounding(part: Part): void {
  part.isRounded = part.rounded === undefined;
}

function weightsOf({ values, rounded }: Part): Weights {
  return { values, rounded };
}
