import { InterruptedError } from '../contract/errors.ts';

/**
 * Ends an engine's work when someone asks for it, at once for whoever awaits it: a program cannot be left while it runs, but its result
 * need not be waited for. What must not be left half done is finished before.
 */
export class StopGuard {
  /** Rejects once the stop is heeded; never resolves. */
  readonly stopped: Promise<never>;
  readonly #signal: AbortSignal | undefined;
  readonly #abandon: () => void;
  readonly #reject: (error: InterruptedError) => void;
  #whole = false;
  #heeded = false;

  /** @param abandon called once, when the stop is heeded */
  constructor(signal: AbortSignal | undefined, abandon: () => void) {
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {}); // nobody may be waiting
    [this.stopped, this.#reject, this.#signal, this.#abandon] = [promise, reject, signal, abandon];
    signal?.addEventListener('abort', this.#heed);
  }

  /** The result of some work, unless a stop comes first. @throws InterruptedError */
  async orStop<T>(work: Promise<T>): Promise<T> {
    work.catch(() => {}); // after a stop nobody waits for it
    this.#heed();
    return Promise.race([this.stopped, work]);
  }

  /** Does work that a stop must not cut short. */
  async whole(work: () => Promise<void>): Promise<void> {
    if (this.#heeded) await this.stopped;
    this.#whole = true;
    try {
      await work();
    } finally {
      this.#whole = false;
      this.#heed();
    }
  }

  /** From now on a stop is none of this engine's business. */
  close(): void {
    this.#signal?.removeEventListener('abort', this.#heed);
  }

  readonly #heed = (): void => {
    if (!this.#signal?.aborted || this.#whole || this.#heeded) return;
    this.#heeded = true;
    this.#reject(new InterruptedError('asked to stop'));
    this.#abandon();
  };
}
