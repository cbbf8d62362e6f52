import type { ParameterTensor } from '../../models/parameters.ts';
import type { ParameterStore, WriteTensors } from '../backend.ts';
import type { Lanes } from './lanes.ts';

/** Parameter sets, the same in every lane; tensors cross their borders one at a time. */
export class LaneParameters implements ParameterStore {
  readonly #lanes: Lanes;
  readonly #versions = new Map<string, number>();

  constructor(lanes: Lanes) {
    this.#lanes = lanes;
  }

  async read(set: string, tensor: ParameterTensor): Promise<Float32Array> {
    return this.#lanes.run(0, 'readTensor', { set, tensor });
  }

  async put(set: string, write: WriteTensors): Promise<void> {
    await this.#write(set, false, write);
  }

  async putTrained(set: string, write: WriteTensors): Promise<void> {
    await this.#write(set, true, write);
  }

  async #write(set: string, sharesFrozen: boolean, write: WriteTensors): Promise<void> {
    this.changing(set);
    await this.#lanes.each('addSet', () => ({ set, sharesFrozen }));
    let filled: { readonly tensor: ParameterTensor; readonly values: Float32Array } | undefined;
    const send = async (): Promise<void> => {
      const writing = filled;
      if (writing) await this.#lanes.each('writeTensor', () => ({ set, ...writing }));
      filled = undefined;
    };
    await write(async (tensor) => {
      await send();
      filled = { tensor, values: new Float32Array(tensor.size) };
      return filled.values;
    });
    await send();
  }

  async copy(from: string, to: string): Promise<void> {
    this.changing(to);
    await this.#lanes.each('copySet', () => ({ from, to }));
  }

  version(set: string): number {
    return this.#versions.get(set) ?? 0;
  }

  /** Its numbers are others from now on. */
  changing(set: string): void {
    this.#versions.set(set, this.version(set) + 1);
  }
}
