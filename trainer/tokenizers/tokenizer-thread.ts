import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { TrainerError, UserError } from '../contract/errors.ts';
import { isOutOfMemory } from '../contract/out-of-memory.ts';
import { type Call, type Calls, places, type Reply, type ThreadSettings } from './thread-protocol.ts';

/** Time for any text, and more for each of its characters. Nothing that ends in time ends otherwise on a slower machine. */
const defaultPatienceMs = 30_000;
const patienceMsPerCharacter = 0.1;
const openPatienceMs = 300_000;

/** The largest published tokenizer takes 400 MB. */
const mostHeapMb = 2048;

/**
 * A thread in which somebody else's patterns and templates run: a regular expression that backtracks for ever, or a
 * template whose loops do not end, costs a bounded time and a bounded memory, and then an error. Calls are synchronous.
 */
export class TokenizerThread {
  readonly #directory: string;
  readonly #worker: Worker;
  readonly #port: MessagePort;
  readonly #counters: Int32Array;
  readonly #patienceMs: number;
  #calls = 0;
  #over: Error | undefined;

  private constructor(directory: string, worker: Worker, port: MessagePort, counters: Int32Array, patienceMs: number) {
    this.#directory = directory;
    this.#patienceMs = patienceMs;
    this.#worker = worker;
    this.#port = port;
    this.#counters = counters;
  }

  /** @throws UserError when the files are broken, too large, or do not open in time */
  static async start(
    settings: Omit<ThreadSettings, 'port' | 'counters'>,
    patienceMs = defaultPatienceMs,
  ): Promise<TokenizerThread> {
    const { port1, port2 } = new MessageChannel();
    const counters = new Int32Array(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
    const worker = new Worker(new URL('tokenizer-worker.ts', import.meta.url), {
      workerData: { ...settings, port: port2, counters } satisfies ThreadSettings,
      transferList: [port2],
      name: 'tokenizer',
      execArgv: [], // flags about the main script mean nothing to this one
      resourceLimits: { maxOldGenerationSizeMb: mostHeapMb },
    });
    const thread = new TokenizerThread(settings.directory, worker, port1, counters, patienceMs);
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
   * @throws UserError when the thread refuses it, or does not end in time
   */
  call<K extends keyof Calls>(kind: K, argument: Calls[K]['argument'], size: number): Calls[K]['result'] {
    if (this.#over) throw this.#over;
    const call: Call = { kind, argument } as Call;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#port.postMessage(call);
    this.#calls++;
    Atomics.store(this.#counters, places.calls, this.#calls);
    Atomics.notify(this.#counters, places.calls);
    // The thread may only now give the notice of its last reply, which was seen without it: it ends a wait for this one.
    while (Atomics.load(this.#counters, places.replies) < this.#calls) {
      const waited = Atomics.wait(this.#counters, places.replies, this.#calls - 1, this.#patience(size));
      if (waited === 'timed-out') throw this.#giveUp(kind, size);
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
    const tooLarge = (cause?: Error) =>
      new UserError(`${this.#directory}: opening its tokenizer takes more than ${mostHeapMb} MB of memory`, { cause });
    const timer = setTimeout(() => {
      reject(new UserError(`${this.#directory}: its tokenizer did not open within ${openPatienceMs / 1000} s`));
    }, openPatienceMs);
    this.#port.once('message', resolve);
    this.#worker.once('error', (error) => reject(isOutOfMemory(error) ? tooLarge(error) : error));
    try {
      outcome(await promise);
    } finally {
      clearTimeout(timer);
      this.#worker.removeAllListeners('error').on('error', () => undefined); // the call that meets it says so
    }
  }

  #patience(size: number): number {
    return this.#patienceMs + size * patienceMsPerCharacter;
  }

  /** The thread stays away: out of time, or out of memory, which looks the same to a caller that waits. */
  #giveUp(kind: keyof Calls, size: number): Error {
    void this.#worker.terminate();
    const [what, cause] =
      kind === 'render'
        ? ['its chat template', 'do its loops end?']
        : ['its tokenizer', 'does one of its regular expressions backtrack?'];
    const bounds = `${Math.round(this.#patience(size) / 1000)} s and ${mostHeapMb} MB`;
    const unit = kind === 'decode' ? 'tokens' : 'characters';
    this.#over = new UserError(
      `${this.#directory}: ${what} did not get done with ${size} ${unit} within ${bounds}: ${cause}`,
    );
    return this.#over;
  }
}

function outcome(reply: Reply): unknown {
  if (reply.kind === 'result') return reply.result;
  const { message, reason, stack } = reply;
  if (reason !== undefined) throw reason === 'userError' ? new UserError(message) : new TrainerError(reason, message);
  throw new Error(`the tokenizer's thread failed: ${message}`, {
    cause: Object.assign(new Error(message), { stack }),
  });
}
