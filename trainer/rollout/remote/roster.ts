import { randomUUID } from 'node:crypto';
import { HttpError } from './http.ts';
import { longPollMs, type Registration } from './protocol.ts';
import type { Borrower } from './shared-requests.ts';

/** Which workers may help: those that give the learner's bits, or others, too. */
export type Accept = 'equal' | 'mismatch';

/** The trainer's own code, which a worker has in common with its learner whatever it computes with. */
const code = 'trainer';

export interface RemoteWorker extends Borrower {
  readonly id: string;
  readonly name: string;
  readonly threads: number;
  seenAt: number;
}

const mostWorkers = 1000;

/** How long a worker without a lease may be silent, to load parameters, before it is forgotten. */
const forgetMs = 3 * longPollMs;

/** The rollout workers that a learner knows. */
export class Roster {
  /** What the bits depend on, here. */
  readonly #versions: Readonly<Record<string, string>>;
  readonly #accept: Accept;
  readonly #workers = new Map<string, RemoteWorker>();
  /** Why workers were sent away. */
  readonly #refused = new Map<string, string>();

  constructor(versions: Readonly<Record<string, string>>, accept: Accept) {
    this.#versions = versions;
    this.#accept = accept;
  }

  /** Threads of all that may help. */
  threads(accept: Accept): number {
    const helping = this.#workers.values().filter((worker) => mayHelp(worker, accept));
    return helping.reduce((sum, { threads }) => sum + threads, 0);
  }

  /**
   * What a worker's completions would differ by; nothing where they are the learner's to the bit.
   *
   * @throws HttpError where it must not differ by that
   */
  differenceOf({ engine }: Registration): string | undefined {
    const names = [...new Set([...Object.keys(this.#versions), ...Object.keys(engine)])];
    const other = names.filter((name) => this.#versions[name] !== engine[name]);
    if (other.length === 0) return undefined;
    const told = other
      .map((name) => `${name} is ${engine[name] ?? 'unknown'}, the learner's is ${this.#versions[name] ?? 'unknown'}`)
      .join('; ');
    if (this.#accept === 'mismatch' && !other.includes(code)) return told;
    throw new HttpError(409, `completions would differ in their bits: ${told}`);
  }

  /**
   * Takes in a worker.
   *
   * @param name for people
   * @throws HttpError when there are too many, or it differs from the learner where it must not
   */
  join(told: Registration, name: string): RemoteWorker {
    const difference = this.differenceOf(told);
    if (this.#workers.size >= mostWorkers) throw new HttpError(503, `there are ${mostWorkers} workers already`);
    const { threads } = told;
    const mismatched = difference !== undefined;
    const worker = { id: randomUUID(), name, threads, trusted: false, mismatched, seenAt: performance.now() };
    this.#workers.set(worker.id, worker);
    const but = mismatched ? `; its completions differ in their bits: ${difference}` : '';
    console.error(`rollout worker ${name} joined with ${threads} threads${but}`);
    return worker;
  }

  /**
   * The worker of this id, which has just given a sign of life.
   *
   * @throws HttpError 422 when it was sent away, 404 when it was never here
   */
  known(id: string): RemoteWorker {
    const why = this.#refused.get(id);
    if (why !== undefined) throw new HttpError(422, why);
    const worker = this.#workers.get(id);
    if (worker === undefined) throw new HttpError(404, 'no such worker');
    worker.seenAt = performance.now();
    return worker;
  }

  /** Its completions cannot be used: it must not come back. */
  refuse(worker: RemoteWorker, why: string): void {
    this.#refused.set(worker.id, why);
  }

  /** Whether it was here. */
  remove({ id }: RemoteWorker): boolean {
    return this.#workers.delete(id);
  }

  /** Whether any of them gave a sign of life at this time or later. */
  seenSince(time: number): boolean {
    return this.#workers.values().some(({ seenAt }) => seenAt >= time);
  }

  /** Those that have been silent for too long. */
  silent(now: number): RemoteWorker[] {
    return [...this.#workers.values()].filter(({ seenAt }) => now - seenAt > forgetMs);
  }
}

/** Whether a worker's completions are wanted in a generation. */
export function mayHelp({ mismatched }: RemoteWorker, accept: Accept): boolean {
  return accept === 'mismatch' || !mismatched;
}

/** Connections that the server of a learner needs at most. */
export const mostConnections = 4 * mostWorkers;
