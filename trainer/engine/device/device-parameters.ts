import { roundProgram } from '../../models/programs.ts';
import { embeddingName, type ParameterLayout, type ParameterTensor } from '../../models/parameters.ts';
import { byteLength, type DeviceMemory, deviceRows, deviceTensor } from '../../runtime/device-memory.ts';
import type { ExecutableCache } from '../../runtime/executable-cache.ts';
import type { AnyTensors, DeviceTensor } from '../../runtime/tensor.ts';

/** Flat, in the order of the layout: what is never trained, or what is. */
interface Part {
  readonly values: DeviceTensor<'float32'>;
  /** Where some tensors are read in bfloat16: these, where they are in `values`. */
  readonly rounded: DeviceTensor<'bfloat16'> | undefined;
  isRounded: boolean;
}

interface ParameterSet {
  /** The same memory in all sets that are copies of one. */
  readonly frozen: Part;
  readonly trained: Part;
  readonly tensors: AnyTensors;
}

/** What is trained of a set. */
export interface TrainedValues<T = DeviceTensor<'float32'>, R = DeviceTensor<'bfloat16'>> {
  readonly values: T;
  /** The same in bfloat16; whoever changes the values changes it, too. */
  readonly rounded?: R | undefined;
}

const policyName = 'policy';

/** Parameter sets in the memory of a device, by name. */
export class DeviceParameters {
  readonly #layout: ParameterLayout;
  readonly #device: DeviceMemory;
  readonly #programs: ExecutableCache;
  readonly #sets = new Map<string, ParameterSet>();

  constructor(layout: ParameterLayout, device: DeviceMemory, programs: ExecutableCache) {
    this.#layout = layout;
    this.#device = device;
    this.#programs = programs;
  }

  /** Unless there is one of that name. */
  add(name: string, sharesFrozen: boolean): void {
    if (this.#sets.has(name)) return;
    const frozen = sharesFrozen ? this.#get(policyName).frozen : this.#part(false);
    this.#addSet(name, frozen);
  }

  #addSet(name: string, frozen: Part): ParameterSet {
    const trained = this.#part(true);
    const set = { frozen, trained, tensors: this.#views(frozen, trained) };
    this.#sets.set(name, set);
    return set;
  }

  write(name: string, tensor: ParameterTensor, values: Float32Array): void {
    const part = this.#partOf(this.#get(name), tensor);
    part.isRounded = part.rounded === undefined;
    this.#device.copyIn(values, this.#within(part.values, tensor));
  }

  read(name: string, tensor: ParameterTensor): Float32Array {
    const values = new Float32Array(tensor.size);
    this.#device.copyOut(this.#within(this.#partOf(this.#get(name), tensor).values, tensor), values);
    return values;
  }

  copy(from: string, to: string): void {
    const source = this.#get(from);
    const target = this.#sets.get(to) ?? this.#addSet(to, source.frozen);
    this.#device.copy(source.trained.values, target.trained.values);
    target.trained.isRounded = target.trained.rounded === undefined;
  }

  /** By name, as programs read them; what is read in bfloat16 has been rounded anew. */
  async of(name: string): Promise<AnyTensors> {
    const { frozen, trained, tensors } = this.#get(name);
    await this.#round(frozen, false);
    await this.#round(trained, true);
    return tensors;
  }

  /** What is trained of a set, to be changed in place from now on. What has not been rounded will be when it is read. */
  changing(name: string): TrainedValues {
    const { values, rounded, isRounded } = this.#get(name).trained;
    return { values, ...(isRounded && { rounded }) };
  }

  #get(name: string): ParameterSet {
    const set = this.#sets.get(name);
    if (set === undefined) throw new Error(`no parameter set ${name}; there are ${[...this.#sets.keys()].join(', ')}`);
    return set;
  }

  #part(trained: boolean): Part {
    const { size, frozen, tensors } = this.#layout;
    const count = trained ? size - frozen : frozen;
    const inBfloat16 = tensors.some((tensor) => tensor.trained === trained && tensor.type === 'bfloat16');
    return {
      values: flatTensor(this.#device, 'float32', count),
      rounded: inBfloat16 ? flatTensor(this.#device, 'bfloat16', count) : undefined,
      isRounded: !inBfloat16,
    };
  }

  #partOf({ frozen, trained }: ParameterSet, { offset }: ParameterTensor): Part {
    return offset < this.#layout.frozen ? frozen : trained;
  }

  #within<T extends 'float32' | 'bfloat16'>(flat: DeviceTensor<T>, { offset, size }: ParameterTensor): DeviceTensor<T> {
    const start = offset < this.#layout.frozen ? offset : offset - this.#layout.frozen;
    return deviceRows(flat, start, start + size);
  }

  #views(frozen: Part, trained: Part): AnyTensors {
    const views = this.#layout.tensors.map((tensor): [string, DeviceTensor] => {
      const { values, rounded } = tensor.offset < this.#layout.frozen ? frozen : trained;
      const read = tensor.type === 'bfloat16' ? rounded : undefined;
      return [tensor.name, { ...this.#within<'float32' | 'bfloat16'>(read ?? values, tensor), dims: tensor.shape }];
    });
    // Its rows are read in float32, whatever a head that is tied to it reads.
    const [table] = this.#layout.tensors.filter(({ name }) => name === embeddingName) as [ParameterTensor];
    const { values } = table.offset < this.#layout.frozen ? frozen : trained;
    return { ...Object.fromEntries(views), embeddings: { ...this.#within(values, table), dims: table.shape } };
  }

  async #round(part: Part, trained: boolean): Promise<void> {
    const { rounded } = part;
    if (rounded === undefined || part.isRounded) return;
    const program = await this.#programs.get('round', roundProgram);
    for (const tensor of this.#layout.tensors) {
      if (tensor.type !== 'bfloat16' || tensor.trained !== trained) continue;
      const values = this.#within(part.values, tensor);
      // oxlint-disable-next-line no-await-in-loop -- a thread runs one program at a time
      await program.run({ values }, { rounded: this.#within(rounded, tensor) });
    }
    part.isRounded = true;
  }
}

/** Of memory of its own; of no numbers, too. */
export function flatTensor<T extends 'float32' | 'bfloat16' | 'float64'>(
  device: DeviceMemory,
  type: T,
  count: number,
): DeviceTensor<T> {
  return deviceTensor(type, [count], device.allocate(Math.max(1, byteLength({ type, dims: [count] }))));
}
