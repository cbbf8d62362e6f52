import { Worker } from 'node:worker_threads';
import { TrainerError } from '../../contract/errors.ts';
import { isOutOfMemory } from '../../contract/out-of-memory.ts';
import { cancelRuns } from '../../runtime/open-runtime.ts';
import type { Cancellation } from '../../runtime/runtime.ts';
import type { OnCompletion } from '../backend.ts';
import type { JobKind, Jobs, Reply, Request, WorkerSettings } from './protocol.ts';
import { newTurns, refuseTurns, resetTurns } from './turn.ts';

/** Jobs given to a worker at once: it has the next one at hand while the main thread is busy. */
const jobsAhead = 2;

interface PendingJob {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onCompletion?: OnCompletion | undefined;
}

type ModelSettings = Pick<WorkerSettings, 'config' | 'head' | 'runtime'>;

/** Worker threads, each with its own sessions. An error in one of them ends them all. */
export class WorkerPool {
  readonly #threads: readonly Thread[];
  readonly #turns: Int32Array;
  readonly #running = sharedCounter();
  #cancellations: readonly Cancellation[] = [];
  #abandoned = false;

  private constructor(count: number, settings: ModelSettings, onReply: () => void) {
    this.#turns = newTurns(settings.config.layers);
    const shared = { turns: this.#turns, running: this.#running };
    this.#threads = Array.from({ length: count }, () => new Thread({ ...settings, ...shared }, onReply));
    process.on('exit', this.#stopAtExit);
  }

  /**
   * Resolves once every thread has loaded.
   *
   * @param onReply called whenever a worker has done something, at least once a micro-batch or completion
   */
  static async start(count: number, settings: ModelSettings, onReply: () => void): Promise<WorkerPool> {
    const pool = new WorkerPool(count, settings, onReply);
    pool.#cancellations = await pool.each('ready', () => ({}));
    return pool;
  }

  get size(): number {
    return this.#threads.length;
  }

  /** Runs one job on every worker; resolves to their results, by worker. */
  async each<K extends JobKind>(
    kind: K,
    request: (worker: number) => Jobs[K]['request'],
    onCompletion?: OnCompletion,
  ): Promise<Jobs[K]['result'][]> {
    return this.#orClose(this.#threads.map(async (thread, worker) => thread.run(kind, request(worker), onCompletion)));
  }

  /** Runs jobs on whichever worker is free, started in their order; resolves to their results in that order. */
  async all<K extends JobKind>(kind: K, requests: readonly Jobs[K]['request'][]): Promise<Jobs[K]['result'][]> {
    const results: Jobs[K]['result'][] = [];
    let next = 0;
    const work = async (thread: Thread): Promise<void> => {
      while (next < requests.length) {
        const index = next++;
        results[index] = await thread.run(kind, requests[index] as Jobs[K]['request']);
      }
    };
    // Round by round, so that every worker has its first job before any has a second.
    const lanes = Array.from({ length: jobsAhead }, () => this.#threads.map(work));
    await this.#orClose(lanes.flat());
    return results;
  }

  /** Rejects all that runs, and has the threads end without waiting for it: at once, or after the program that each is running. */
  abandon(): void {
    this.#abandoned = true;
    this.#endRuns();
    for (const thread of this.#threads) thread.abandon();
  }

  /** Ends all waiting, and running programs where the runtime can. */
  #endRuns(): void {
    refuseTurns(this.#turns);
    for (const cancellation of this.#cancellations) cancelRuns(cancellation);
  }

  /** Gives all turns to the gradient of the first micro-batch. */
  resetTurns(): void {
    resetTurns(this.#turns);
  }

  /** Ends the threads, each once it is out of the program it is running. What they have not finished is rejected. */
  async close(): Promise<void> {
    if (this.#abandoned) return;
    this.#endRuns();
    await Promise.all(this.#threads.map(async (thread) => thread.close()));
    process.off('exit', this.#stopAtExit);
  }

  /**
   * At the end of the process Node terminates threads wherever they are; inside the binding that aborts the process and
   * loses its exit code. So the exit waits, at most ten seconds, until each is out of the program it is running.
   */
  readonly #stopAtExit = (): void => {
    const deadline = performance.now() + 10_000;
    this.#endRuns();
    for (const thread of this.#threads) thread.stop();
    for (;;) {
      const running = Atomics.load(this.#running, 0);
      const left = deadline - performance.now();
      if (running === 0 || left <= 0) return;
      Atomics.wait(this.#running, 0, running, left);
    }
  };

  /** A worker may be waiting for its turn behind the one that failed, so none is left running. */
  async #orClose<T>(results: readonly Promise<T>[]): Promise<T[]> {
    try {
      return await Promise.all(results);
    } catch (error) {
      await this.close();
      throw error;
    }
  }
}

class Thread {
  readonly #worker: Worker;
  readonly #pending = new Map<number, PendingJob>();
  readonly #ended: Promise<void>;
  #nextId = 0;
  #dead: Error | undefined;

  constructor(settings: WorkerSettings, onReply: () => void) {
    this.#worker = new Worker(new URL('worker.ts', import.meta.url), {
      workerData: settings,
      name: 'engine',
      execArgv: [], // flags about the main script mean nothing to this one
    });
    this.#worker.on('message', (reply: Reply) => {
      onReply();
      this.#receive(reply);
    });
    this.#worker.on('error', (error: Error) => this.#die(workerError('', error)));
    this.#ended = new Promise((resolve) => {
      this.#worker.on('exit', (code) => {
        this.#die(new Error(`an engine worker ended with code ${code}`));
        resolve();
      });
    });
  }

  async run<K extends JobKind>(
    kind: K,
    request: Jobs[K]['request'],
    onCompletion?: OnCompletion,
  ): Promise<Jobs[K]['result']> {
    if (this.#dead) throw this.#dead;
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#pending.set(id, { resolve, reject, onCompletion });
    this.#post({ ...request, kind, id } as unknown as Request);
    return (await promise) as Jobs[K]['result'];
  }

  /** Lets the thread end itself: terminated inside the binding, it would take the whole process down. */
  async close(): Promise<void> {
    this.abandon();
    await this.#ended;
  }

  abandon(): void {
    this.#die(new Error('the engine is closed'));
    this.stop();
  }

  stop(): void {
    this.#post({ kind: 'stop' });
  }

  #post(request: Request): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(request);
  }

  #receive(reply: Reply): void {
    const job = this.#pending.get(reply.id);
    if (reply.kind === 'completion') {
      job?.onCompletion?.(reply.index, reply.completion);
      return;
    }
    this.#pending.delete(reply.id);
    if (reply.kind === 'result') {
      job?.resolve(reply.result);
    } else {
      const cause = Object.assign(new Error(reply.message), { stack: reply.stack });
      job?.reject(
        reply.reason === undefined
          ? workerError(` at ${reply.job}`, cause)
          : new TrainerError(reply.reason, reply.message, { cause }),
      );
    }
  }

  #die(error: Error): void {
    this.#dead ??= error;
    for (const { reject } of this.#pending.values()) reject(this.#dead);
    this.#pending.clear();
  }
}

function sharedCounter(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
}

/** An error on the main side, with the worker's own as its cause. */
function workerError(where: string, cause: Error): Error {
  const { message } = cause;
  if (!isOutOfMemory(cause)) return new Error(`an engine worker failed${where}: ${message}`, { cause });
  return new TrainerError('outOfMemory', `an engine worker ran out of memory${where}: ${message}`, { cause });
}
