import type { Clock } from '../clock.ts';
import type { Caches } from './caches.ts';
import { ignoreNotFound } from './client/api-error.ts';
import type { KubeClient } from './client/client.ts';
import { jobs, keyOf, pods, type Job, type Pod, type ResourceKind, type Stored } from './client/resources.ts';
import type { Logger } from './logger.ts';
import { idOf, stageIdOf } from './objects/ownership.ts';
import { stages } from './objects/r1-kinds.ts';

export interface SweepOptions {
  readonly client: KubeClient;
  readonly caches: Caches;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** Far longer than garbage is collected in. */
const periodMs = 300_000;

/**
 * Deletes the Jobs and pods of R1Stages that are gone, where nobody else does: a garbage collector that cannot reach one API of its
 * cluster collects nothing, tries what it met before it knew our kinds only now and then, and pods that go on hold GPUs.
 */
export class Sweep {
  private readonly options: SweepOptions;
  /** What had no stage at the last look, by uid. */
  private suspects: ReadonlySet<string> = new Set();
  private callOff: () => void = () => undefined;

  constructor(options: SweepOptions) {
    this.options = options;
  }

  start(): void {
    const { clock, logger } = this.options;
    this.callOff = clock.after(periodMs, () => {
      void this.look().catch((error: unknown) => logger.warn('sweep failed', { error }));
      this.start();
    });
  }

  stop(): void {
    this.callOff();
  }

  private async look(): Promise<void> {
    const { caches } = this.options;
    const known = new Set([...caches.stages.all()].map(idOf));
    const isLeft = (each: Stored<Job> | Stored<Pod>): boolean =>
      !known.has(stageIdOf(each)) && each.metadata.deletionTimestamp === undefined;
    const leftJobs = [...caches.jobs.all()].filter(isLeft);
    const leftPods = [...caches.pods.store.values()].filter(isLeft);
    const before = this.suspects;
    this.suspects = new Set([...leftJobs, ...leftPods].map(({ metadata }) => metadata.uid));
    await this.remove(
      jobs,
      leftJobs.filter(({ metadata }) => before.has(metadata.uid)),
    );
    await this.remove(
      pods,
      leftPods.filter(({ metadata }) => before.has(metadata.uid)),
    );
  }

  private async remove<T extends Job | Pod>(kind: ResourceKind<T>, left: readonly Stored<T>[]): Promise<void> {
    const { client, logger } = this.options;
    for (const [namespace, objects] of Map.groupBy(left, ({ metadata }) => metadata.namespace)) {
      // oxlint-disable no-await-in-loop -- there is no hurry
      const there = new Set((await client.list(stages, namespace)).items.map(idOf));
      for (const object of objects) {
        if (there.has(stageIdOf(object))) continue;
        logger.info('deleted what was left of a stage that is gone', { kind: kind.kind, key: keyOf(object) });
        await client.delete(kind, object.metadata, object.metadata.uid).catch(ignoreNotFound);
      }
      // oxlint-enable no-await-in-loop
    }
  }
}
