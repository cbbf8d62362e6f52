import type { Job, Pod, Stored } from '../client/resources.ts';
import { stageIdOf } from '../objects/ownership.ts';

interface Tombstone<T> {
  readonly object: Stored<T>;
  readonly goneAt: number;
}

/** Stages whose deleted Jobs and pods are remembered; the oldest is forgotten. */
const rememberedStages = 1000;
const rememberedOfStage = 10;

/**
 * The last state of Jobs and pods that are gone: a pod that somebody deletes takes its exit code and result with it. One
 * that nobody saw go left nothing, which costs an attempt but no data.
 */
export class Tombstones {
  private readonly stages = new Map<string, { readonly jobs: Tombstone<Job>[]; readonly pods: Tombstone<Pod>[] }>();

  addJob(object: Stored<Job>, goneAt: number): void {
    this.of(object).jobs.push({ object, goneAt });
  }

  addPod(object: Stored<Pod>, goneAt: number): void {
    this.of(object).pods.push({ object, goneAt });
  }

  get(stageId: string): { readonly jobs: readonly Tombstone<Job>[]; readonly pods: readonly Tombstone<Pod>[] } {
    return this.stages.get(stageId) ?? { jobs: [], pods: [] };
  }

  forget(stageId: string): void {
    this.stages.delete(stageId);
  }

  private of(object: Stored<Job> | Stored<Pod>) {
    const id = stageIdOf(object);
    const entry = this.stages.get(id) ?? { jobs: [], pods: [] };
    this.stages.delete(id);
    this.stages.set(id, entry);
    const [oldest] = this.stages.keys();
    if (this.stages.size > rememberedStages && oldest !== undefined) this.stages.delete(oldest);
    for (const list of [entry.jobs, entry.pods]) if (list.length >= rememberedOfStage) list.shift();
    return entry;
  }
}
