import type { ParameterTensor } from '../../models/parameters.ts';
import type { ParameterStore, WriteTensors } from '../backend.ts';
import type { JobThread } from '../job-thread.ts';
import type { LaneJobs } from './protocol.ts';

/** Parameter sets of a lane, whose tensors cross its border one at a time. */
export class LaneParameters implements ParameterStore {
  readonly #lane: JobThread<LaneJobs>;
  readonly #versions = new Map<string, number>();

  constructor(lane: JobThread<LaneJobs>) {
    this.#lane = lane;
  }

  async read(set: string, tensor: ParameterTensor): Promise<Float32Array> {
    return this.#lane.run('readTensor', { set, tensor });
  }

  async put(set: string, write: WriteTensors): Promise<void> {
    await this.#write(set, false, write);
  }

  async putTrained(set: string, write: WriteTensors): Promise<void> {
    await this.#write(set, true, write);
  }

  async #write(set: string, sharesFrozen: boolean, write: WriteTensors): Promise<void> {
    this.changing(set);
    await this.#lane.run('addSet', { set, sharesFrozen });
    let filled: { readonly tensor: ParameterTensor; readonly values: Float32Array } | undefined;
    const send = async (): Promise<void> => {
      if (filled) await this.#lane.run('writeTensor', { set, ...filled });
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
    await this.#lane.run('copySet', { from, to });
  }

  version(set: string): number {
    return this.#versions.get(set) ?? 0;
  }

  /** Its numbers are others from now on. */
  changing(set: string): void {
    this.#versions.set(set, this.version(set) + 1);
  }
}
