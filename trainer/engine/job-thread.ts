import { Worker } from 'node:worker_threads';
import { TrainerError } from '../contract/process/errors.ts';
import type { ExitReason } from '../contract/process/exit-codes.ts';
import { isOutOfMemory } from '../contract/process/out-of-memory.ts';

/** Work for a thread, by kind, with its result. */
export type JobTable = Readonly<Record<string, { readonly request: object; readonly result: unknown }>>;

/** Main thread → worker. */
export type JobRequest =
  | { readonly kind: 'job'; readonly id: number; readonly job: string; readonly request: object }
  /** For a job that was given before. */
  | { readonly kind: 'news'; readonly id: number; readonly news: unknown }
  /** End the thread as soon as no program is running. */
  | { readonly kind: 'stop' };

/** Worker → main thread. */
export type JobReply =
  | { readonly kind: 'result'; readonly id: number; readonly result: unknown }
  | {
      readonly kind: 'error';
      readonly id: number;
      readonly job: string;
      readonly message: string;
      readonly stack: string;
      /** Of an error that says who must act. */
      readonly reason?: ExitReason | undefined;
    }
  /** Before a job is done. */
  | { readonly kind: 'event'; readonly id: number; readonly event: unknown };

type OnEvent = (event: unknown) => void;

interface PendingJob {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onEvent?: OnEvent | undefined;
}

export interface StartedJob<R> {
  readonly result: Promise<R>;
  readonly tell: (news: unknown) => void;
}

/** A thread that does one job after the other: the main thread's side (the other is serve-jobs.ts). */
export class JobThread<J extends JobTable> {
  readonly #worker: Worker;
  readonly #pending = new Map<number, PendingJob>();
  readonly #ended: Promise<void>;
  #nextId = 0;
  #dead: Error | undefined;

  /**
   * @param entry the module that serves
   * @param settings its `workerData`
   * @param onReply called whenever the thread says something
   */
  constructor(entry: URL, settings: object, onReply: () => void) {
    this.#worker = new Worker(entry, {
      workerData: settings,
      name: 'engine',
      execArgv: [], // flags about the main script mean nothing to this one
    });
    this.#worker.on('message', (reply: JobReply) => {
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

  async run<K extends keyof J & string>(job: K, request: J[K]['request'], onEvent?: OnEvent): Promise<J[K]['result']> {
    return this.start(job, request, onEvent).result;
  }

  /** Gives the thread a job that can be told of news while it runs. */
  start<K extends keyof J & string>(job: K, request: J[K]['request'], onEvent?: OnEvent): StartedJob<J[K]['result']> {
    if (this.#dead) return { result: Promise.reject(this.#dead), tell: () => undefined };
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#pending.set(id, { resolve, reject, onEvent });
    this.#post({ kind: 'job', id, job, request });
    return { result: promise, tell: (news) => this.#post({ kind: 'news', id, news }) };
  }

  /** Rejects what the thread has not finished. */
  rejectAll(): void {
    this.#reject(new Error('the engine is closed'));
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

  #post(request: JobRequest): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(request);
  }

  #receive(reply: JobReply): void {
    const job = this.#pending.get(reply.id);
    if (reply.kind === 'event') {
      job?.onEvent?.(reply.event);
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
    this.#reject(this.#dead);
  }

  #reject(error: Error): void {
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

/** An error on the main side, with the worker's own as its cause. */
function workerError(where: string, cause: Error): Error {
  const { message } = cause;
  if (!isOutOfMemory(cause)) return new Error(`an engine worker failed${where}: ${message}`, { cause });
  return new TrainerError('outOfMemory', `an engine worker ran out of memory${where}: ${message}`, { cause });
}
