import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { TrainerError, UserError } from '../contract/process/errors.ts';
import { isOutOfMemory } from '../contract/process/out-of-memory.ts';
import { type Call, type Calls, places, type Reply, type ThreadSettings } from './thread-protocol.ts';

/** Time for any text, and more for each of its characters. Nothing that ends in time ends otherwise on a slower machine. */
const patienceMsPerCharacter = 0.1;
const openPatienceMs = 300_000;

/** How long a caller sleeps until it looks whether the thread still lives. */
const lookAfterMs = 100;

interface Bounds {
  /** Of a call. */
  readonly patienceMs: number;
  readonly mostHeapMb: number;
}

/**
 * At the limit of its heap Node gives a thread 16 MB more, to end in. What one collection can move out of the young generation must fit into
 * them: V8 ends the whole process otherwise.
 */
const youngHeapMb = 8;

/** The largest published tokenizer takes 400 MB. */
const usualBounds: Bounds = { patienceMs: 30_000, mostHeapMb: 2048 };

/**
 * A thread in which somebody else's patterns and templates run: a regular expression that backtracks for ever, or a
 * template whose loops do not end, costs a bounded time and a bounded memory, and then an error. Calls are synchronous.
 */
export class TokenizerThread {
  readonly #directory: string;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #counters: Int32Array;
  readonly #bounds: Bounds;
  #calls = 0;
  #over: Error | undefined;

  private constructor(directory: string, worker: Worker, port: MessagePort, counters: Int32Array, bounds: Bounds) {
    this.#directory = directory;
    this.#bounds = bounds;
    this.#worker = worker;
    this.#port = port;
    this.#counters = counters;
  }

  /** @throws UserError when the files are broken, too large, or do not open in time */
  static async start(
    settings: Omit<ThreadSettings, 'port' | 'counters'>,
    bounds: Partial<Bounds> = {},
  ): Promise<TokenizerThread> {
    const { port1, port2 } = new MessageChannel();
    const counters = new Int32Array(new SharedArrayBuffer(3 * Int32Array.BYTES_PER_ELEMENT));
    const { patienceMs, mostHeapMb } = { ...usualBounds, ...bounds };
    const worker = new Worker(new URL('tokenizer-worker.ts', import.meta.url), {
      workerData: { ...settings, port: port2, counters } satisfies ThreadSettings,
      transferList: [port2],
      name: 'tokenizer',
      execArgv: [], // flags about the main script mean nothing to this one
      resourceLimits: { maxOldGenerationSizeMb: mostHeapMb, maxYoungGenerationSizeMb: youngHeapMb },
    });
    const thread = new TokenizerThread(settings.directory, worker, port1, counters, { patienceMs, mostHeapMb });
    try {
      await thread.#opened();
    } catch (error) {
      await thread.close();
      throw error;
    }
    port1.unref();
    worker.unref();
    return thread;
  }

  /**
   * Has the thread do something, and waits for it.
   *
   * @param size characters or tokens that it is about
   * @throws UserError when the thread refuses it, does not end in time, or runs out of memory
   */
  call<K extends keyof Calls>(kind: K, argument: Calls[K]['argument'], size: number): Calls[K]['result'] {
    if (this.#over) throw this.#over;
    const call: Call = { kind, argument } as Call;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#port.postMessage(call);
    this.#calls++;
    Atomics.store(this.#counters, places.calls, this.#calls);
    Atomics.notify(this.#counters, places.calls);
    const deadlineMs = performance.now() + this.#patience(size);
    // The thread may only now give the notice of its last reply, which was seen without it: it ends a wait for this one.
    while (Atomics.load(this.#counters, places.replies) < this.#calls) {
      const waited = Atomics.wait(this.#counters, places.replies, this.#calls - 1, lookAfterMs);
      if (waited === 'timed-out' && this.#isDead()) throw this.#buried(kind, size);
      if (performance.now() > deadlineMs) throw this.#giveUp(kind, size);
    }
    const reply = this.#reply(this.#patience(size));
    if (reply === undefined) throw this.#giveUp(kind, size);
    return outcome(reply) as Calls[K]['result'];
  }

  /** On a busy machine a message shows a moment later than the counter that was raised after it was sent. */
  #reply(patienceMs: number): Reply | undefined {
    for (let waitedMs = 0; waitedMs < patienceMs; waitedMs++) {
      const received: { message: Reply } | undefined = receiveMessageOnPort(this.#port);
      if (received !== undefined) return received.message;
      Atomics.wait(this.#counters, places.replies, this.#calls, 1);
    }
    return undefined;
  }

  /** Ends the thread, whatever it is doing. */
  async close(): Promise<void> {
    this.#over ??= new Error(`${this.#directory}: the tokenizer is closed`);
    this.#port.close();
    await this.#worker.terminate();
  }

  async #opened(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<Reply>();
    const ended = (code: number): void => {
      // One that refuses to open says why, and ends: its word may be on its way.
      const last: { message: Reply } | undefined = receiveMessageOnPort(this.#port);
      if (last === undefined) reject(new Error(`${this.#directory}: the tokenizer's thread ended (${code})`));
      else resolve(last.message);
    };
    const timer = setTimeout(() => {
      reject(new UserError(`${this.#directory}: its tokenizer did not open within ${openPatienceMs / 1000} s`));
    }, openPatienceMs);
    this.#port.once('message', resolve);
    this.#worker.once('error', (error) => {
      const message = `${this.#directory}: opening its tokenizer takes more than ${this.#bounds.mostHeapMb} MB of memory`;
      reject(isOutOfMemory(error) ? new UserError(message, { cause: error }) : error);
    });
    this.#worker.once('exit', ended);
    try {
      outcome(await promise);
      this.#isDead(); // the first look at a loop must find it running
    } finally {
      clearTimeout(timer);
      this.#worker.off('exit', ended);
      this.#worker.removeAllListeners('error').on('error', () => undefined); // the call that meets it says so
    }
  }

  #patience(size: number): number {
    return this.#bounds.patienceMs + size * patienceMsPerCharacter;
  }

  /** A caller that is blocked hears of no event. But the idle time of an event loop that is no more is given as −1. */
  #isDead(): boolean {
    return this.#worker.performance.eventLoopUtilization().idle < 0;
  }

  /** Out of time: the thread stays away. */
  #giveUp(kind: keyof Calls, size: number): Error {
    void this.#worker.terminate();
    const cause = kind === 'render' ? 'do its loops end?' : 'does one of its regular expressions backtrack?';
    const seconds = Math.round(this.#patience(size) / 1000);
    const where = `${this.#directory}: ${partOf(kind)}`;
    this.#over = new UserError(`${where} did not get done with ${sizeOf(kind, size)} within ${seconds} s: ${cause}`);
    return this.#over;
  }

  /** It has ended while it did something. */
  #buried(kind: keyof Calls, size: number): Error {
    const where = `${this.#directory}: ${partOf(kind)}`;
    const what = sizeOf(kind, size);
    this.#over =
      Atomics.load(this.#counters, places.ended) === 0
        ? new UserError(
            `${where} took more than ${this.#bounds.mostHeapMb} MB of memory with ${what}: what in it grows?`,
          )
        : new Error(`${where} had ${what} when its thread ended`);
    return this.#over;
  }
}

function partOf(kind: keyof Calls): string {
  return kind === 'render' ? 'its chat template' : 'its tokenizer';
}

function sizeOf(kind: keyof Calls, size: number): string {
  return `${size} ${kind === 'decode' ? 'tokens' : 'characters'}`;
}

function outcome(reply: Reply): unknown {
  if (reply.kind === 'result') return reply.result;
  const { message, reason, stack } = reply;
  if (reason !== undefined) throw reason === 'userError' ? new UserError(message) : new TrainerError(reason, message);
  throw new Error(`the tokenizer's thread failed: ${message}`, {
    cause: Object.assign(new Error(message), { stack }),
  });
}
