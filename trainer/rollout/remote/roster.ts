import { randomUUID } from 'node:crypto';
import { HttpError } from './http.ts';
import { longPollMs, type Registration } from './protocol.ts';
import type { Borrower } from './shared-requests.ts';

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
  /** What the bits depend on, here; a worker must have the same. */
  readonly #versions: Readonly<Record<string, string>>;
  readonly #workers = new Map<string, RemoteWorker>();
  /** Why workers were sent away. */
  readonly #refused = new Map<string, string>();

  constructor(versions: Readonly<Record<string, string>>) {
    this.#versions = versions;
  }

  /** Threads of all of them. */
  get threads(): number {
    return this.#workers.values().reduce((sum, { threads }) => sum + threads, 0);
  }

  /** @throws HttpError when the completions of a worker would differ from the learner's in their bits */
  expectSameBits({ engine }: Registration): void {
    const names = [...new Set([...Object.keys(this.#versions), ...Object.keys(engine)])];
    const other = names.filter((name) => this.#versions[name] !== engine[name]);
    if (other.length === 0) return;
    const told = other.map(
      (name) => `${name} is ${engine[name] ?? 'unknown'}, the learner's is ${this.#versions[name] ?? 'unknown'}`,
    );
    throw new HttpError(409, `completions would differ in their bits: ${told.join('; ')}`);
  }

  /**
   * Takes in a worker.
   *
   * @param name for people
   * @throws HttpError when there are too many
   */
  join({ threads }: Registration, name: string): RemoteWorker {
    if (this.#workers.size >= mostWorkers) throw new HttpError(503, `there are ${mostWorkers} workers already`);
    const worker = { id: randomUUID(), name, threads, trusted: false, seenAt: performance.now() };
    this.#workers.set(worker.id, worker);
    console.error(`rollout worker ${name} joined with ${threads} threads`);
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

/** Connections that the server of a learner needs at most. */
export const mostConnections = 4 * mostWorkers;
