import { InterruptedError } from '../contract/process/errors.ts';

/**
 * Ends an engine's work when someone asks for it, at once for whoever awaits it: a program cannot be left while it runs, but its result
 * need not be waited for. What must not be left half done is finished before.
 */
export class StopGuard {
  readonly #signal: AbortSignal | undefined;
  readonly #abandon: () => void;
  /** Ends what is awaited now. Nothing is kept of what has ended: a race with one promise for all would keep every result. */
  readonly #awaited = new Set<(error: InterruptedError) => void>();
  #whole = false;
  #heeded = false;

  /** @param abandon called once, when the stop is heeded */
  constructor(signal: AbortSignal | undefined, abandon: () => void) {
    [this.#signal, this.#abandon] = [signal, abandon];
    signal?.addEventListener('abort', this.#heed);
  }

  /** The result of some work, unless a stop comes first. @throws InterruptedError */
  async orStop<T>(work: Promise<T>): Promise<T> {
    this.#heed();
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    if (this.#heeded) reject(interrupted());
    this.#awaited.add(reject);
    void work.then(resolve, reject).finally(() => this.#awaited.delete(reject));
    return promise;
  }

  /** Does work that a stop must not cut short. */
  async whole(work: () => Promise<void>): Promise<void> {
    if (this.#heeded) throw interrupted();
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
    for (const reject of this.#awaited) reject(interrupted());
    this.#abandon();
  };
}

function interrupted(): InterruptedError {
  return new InterruptedError('asked to stop');
}
