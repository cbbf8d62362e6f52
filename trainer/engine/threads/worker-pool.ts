import { cancelRuns } from '../../runtime/open-runtime.ts';
import type { Cancellation } from '../../runtime/runtime.ts';
import type { LiveEvent } from '../../rollout/live/generate-live.ts';
import type { LiveThread, OnCompletion } from '../backend.ts';
import { endAtExit } from '../end-at-exit.ts';
import { JobThread } from '../job-thread.ts';
import type { CompletionEvent, Jobs, WorkerSettings } from './protocol.ts';
import { newTurns, refuseTurns, resetTurns } from './turn.ts';
import { sharedWord } from '../../runtime/shared-word.ts';

/** Jobs given to a worker at once: it has the next one at hand while the main thread is busy. */
const jobsAhead = 2;

type Thread = JobThread<Jobs>;
type JobKind = keyof Jobs;
type ModelSettings = Pick<WorkerSettings, 'config' | 'head' | 'runtime'>;

/** Worker threads, each with its own sessions. An error in one of them ends them all. */
export class WorkerPool {
  readonly #threads: readonly Thread[];
  readonly #turns: Int32Array;
  readonly #ignoreExit: () => void;
  #cancellations: readonly Cancellation[] = [];
  #abandoned = false;

  private constructor(count: number, settings: ModelSettings, onReply: () => void) {
    this.#turns = newTurns(settings.config.layers);
    const running = sharedWord();
    const of: WorkerSettings = { ...settings, turns: this.#turns, running };
    const entry = new URL('worker.ts', import.meta.url);
    this.#threads = Array.from({ length: count }, () => new JobThread<Jobs>(entry, of, onReply));
    this.#ignoreExit = endAtExit(running, () => {
      this.#endRuns();
      for (const thread of this.#threads) thread.stop();
    });
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
    const onEvent = (event: unknown): void => {
      const { index, completion } = event as CompletionEvent;
      onCompletion?.(index, completion);
    };
    return this.#orClose(this.#threads.map(async (thread, worker) => thread.run(kind, request(worker), onEvent)));
  }

  /** Starts one job on every worker; an error in one of them ends them all. */
  live(request: Jobs['generateLive']['request'], onEvent: (event: LiveEvent) => void): LiveThread[] {
    const started = this.#threads.map((thread) =>
      thread.start('generateLive', request, (event) => onEvent(event as LiveEvent)),
    );
    const ended = this.#orClose(started.map(({ result }) => result));
    return started.map(({ tell }) => ({ tell, ended }));
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
    this.#ignoreExit();
  }

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
