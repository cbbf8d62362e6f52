import { progressLine, type ProgressLine } from '../../../trainer/contract/files/progress.ts';
import { trainerContainer } from '../objects/attempt-job.ts';
import { trainerStatus } from './attempt-end.ts';
import { isTrainer } from '../objects/ownership.ts';
import type { KubeClient } from '../client/client.ts';
import type { Pod, Stored } from '../client/resources.ts';

export interface ProgressOptions {
  readonly client: Pick<KubeClient, 'log'>;
  /** A pod has something new to say. */
  readonly onProgress: (pod: Stored<Pod>) => void;
  /** Between two reads of whatever pods: the rate does not grow with their number. */
  readonly tickMs?: number;
  /** Between two reads of one pod, and from its start to the first; doubled while it says nothing new. */
  readonly everyMs?: number;
  /** Between two reads of a pod that says nothing. */
  readonly longestMs?: number;
}

/** Enough for a few lines: what is printed between two progress lines is short. */
const limits = { tailLines: 20, limitBytes: 32 * 1024 };

interface Watched {
  readonly pod: Stored<Pod>;
  readonly everyMs: number;
  readonly dueAt: number;
}

/** Reads the progress lines of all running trainers, in turns. */
export class ProgressPoller {
  private readonly options: ProgressOptions;
  /** Those that were read longest ago come first. */
  private readonly watched = new Map<string, Watched>();
  private readonly progress = new Map<string, ProgressLine>();
  /** When each pod was first seen to run, or last said something new, and when it was last read: on this process's clock. */
  private readonly heardAt = new Map<string, number>();
  private readonly readAt = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;

  constructor(options: ProgressOptions) {
    this.options = options;
  }

  /** The newest progress line of a pod. */
  latest(podUid: string): ProgressLine | undefined {
    return this.progress.get(podUid);
  }

  /** For how long it has written nothing new, as far as its log was read, in milliseconds. */
  silentMs(podUid: string): number {
    const [heardAt, readAt] = [this.heardAt.get(podUid), this.readAt.get(podUid)];
    return heardAt === undefined || readAt === undefined ? 0 : Math.max(0, readAt - heardAt);
  }

  /** A pod was seen; only those whose trainer runs are read. */
  see(pod: Stored<Pod>): void {
    const { uid, deletionTimestamp } = pod.metadata;
    if (!isTrainer(pod)) return;
    const runs = trainerStatus(pod)?.state?.running !== undefined && deletionTimestamp === undefined;
    if (!runs) this.watched.delete(uid);
    else if (!this.watched.has(uid)) {
      if (!this.heardAt.has(uid)) this.heardAt.set(uid, performance.now());
      this.watch(pod, this.everyMs);
    }
  }

  forget(podUid: string): void {
    this.watched.delete(podUid);
    this.progress.delete(podUid);
    this.heardAt.delete(podUid);
    this.readAt.delete(podUid);
  }

  start(): void {
    this.schedule();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private get everyMs(): number {
    return this.options.everyMs ?? 5000;
  }

  /** At the end of the line. */
  private watch(pod: Stored<Pod>, everyMs: number): void {
    this.watched.delete(pod.metadata.uid);
    this.watched.set(pod.metadata.uid, { pod, everyMs, dueAt: performance.now() + everyMs });
  }

  private schedule(): void {
    this.timer = setTimeout(() => {
      void this.readNext().finally(() => {
        if (this.timer !== undefined) this.schedule();
      });
    }, this.options.tickMs ?? 500);
  }

  private async readNext(): Promise<void> {
    const now = performance.now();
    const next = this.watched.values().find(({ dueAt }) => dueAt <= now);
    if (next === undefined) return;
    const { pod } = next;
    const { uid } = pod.metadata;
    const log = await this.read(pod);
    if (!this.watched.has(uid)) return; // it has ended meanwhile
    if (log !== undefined) this.readAt.set(uid, performance.now());
    const line = newestProgress(log ?? '');
    const known = this.progress.get(uid);
    if (line === undefined || line.time === known?.time) {
      this.watch(pod, Math.min(2 * next.everyMs, this.options.longestMs ?? 30_000));
      return;
    }
    this.watch(pod, this.everyMs);
    // Whatever the clock of its node says: a line is as new as its arrival. The first one may be older than that, which is
    // no reason to end an attempt.
    this.heardAt.set(uid, performance.now());
    this.progress.set(uid, line);
    this.options.onProgress(pod);
  }

  /** Undefined when nobody could be asked: a node that does not answer for a while makes no attempt hung. */
  private async read({ metadata }: Stored<Pod>): Promise<string | undefined> {
    const options = { container: trainerContainer, ...limits };
    return this.options.client
      .log(metadata.namespace, metadata.name, options, AbortSignal.timeout(5000))
      .catch(() => undefined);
  }
}

/** The last progress line in the end of a log; its first line may have been cut. */
export function newestProgress(log: string): ProgressLine | undefined {
  for (const line of log.split('\n').toReversed()) {
    if (!line.startsWith('{')) continue;
    try {
      const { data } = progressLine.safeParse(JSON.parse(line));
      if (data !== undefined)
        return { ...data, metrics: Object.fromEntries(Object.entries(data.metrics).slice(0, 12)) };
    } catch {
      continue;
    }
  }
  return undefined;
}
