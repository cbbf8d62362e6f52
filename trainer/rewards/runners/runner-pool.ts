/** Whose doing it is that a host is no more: its own, as of one that broke under its job, or that of somebody who killed it. */
export type End = 'broken' | 'killed';

/** A thread or process that works on jobs, one at a time. It says `ready` once, and then what comes of each. */
export interface Host<Job = unknown> {
  send(job: Job): void;
  hear(listener: (message: unknown) => void): void;
  onEnd(listener: (end: End) => void): void;
  end(): void;
  /** Time that a processor has worked for it since it was started; `undefined` where the platform does not tell. */
  cpuMs(): Promise<number | undefined>;
}

/**
 * Why nothing came of a job. The first two are the job's doing, whatever the machine: it took more time than it may have, or broke its host. `error` is
 * not: the host did not start, was killed, or was given hardly any time by a busy machine.
 */
export type Lost = 'timeout' | 'broken' | 'error';

interface Options {
  /** As many run at a time. */
  readonly size: number;
  /** Of a job: time of a processor, or of a clock where the platform does not tell. */
  readonly timeoutMs: number;
}

/** To start, on a machine that is busy. */
const startMs = 120_000;
/** So many times its limit a job waits on a machine that is busy. */
const patience = 10;
/** Before time that is all but used up is looked at again. */
const leastMs = 50;

/**
 * Has jobs done beside this process's own work. What comes of one is a function of it, so that neither the number of hosts nor which of them did it
 * shows. A host that takes too long is ended, and another takes its place.
 *
 * @typeParam Told no text, which is `Lost`
 */
export class RunnerPool<Job, Told extends object> {
  readonly #start: () => Host<Job>;
  readonly #options: Options;
  readonly #idle: Runner<Job, Told>[] = [];
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(start: () => Host<Job>, options: Options) {
    this.#start = start;
    this.#options = options;
  }

  async run(job: Job): Promise<Told | Lost> {
    if (this.#running >= this.#options.size) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    const runner = this.#takeIdle() ?? new Runner<Job, Told>(this.#start());
    try {
      return await runner.run(job, this.#options.timeoutMs);
    } finally {
      if (runner.isAlive) this.#idle.push(runner);
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }

  /** One may have ended while it had nothing to do. */
  #takeIdle(): Runner<Job, Told> | undefined {
    let runner = this.#idle.pop();
    while (runner?.isAlive === false) runner = this.#idle.pop();
    return runner;
  }

  close(): void {
    for (const runner of this.#idle.splice(0)) runner.end();
  }
}

class Runner<Job, Told extends object> {
  readonly #host: Host<Job>;
  #isReady = false;
  #isAlive = true;
  #heard: (message: unknown) => void = () => undefined;

  constructor(host: Host<Job>) {
    this.#host = host;
    host.hear((message) => this.#heard(message));
    host.onEnd((end) => {
      this.#isAlive = false;
      this.#heard(end === 'broken' ? 'broken' : 'error');
    });
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  async run(job: Job, timeoutMs: number): Promise<Told | Lost> {
    if (!this.#isReady) {
      if ((await within(startMs, this.#next())) !== 'ready') return this.#lost('error');
      this.#isReady = true;
    }
    const answer = this.#next() as Promise<Told | Lost>;
    this.#host.send(job);
    // Most are done by then, and need no clock.
    const soon = await within(leastMs, answer);
    if (soon !== undefined) return soon;
    const usedMs = await this.#watch();
    for (let used = 0, waited = 0; used < timeoutMs;) {
      if (waited >= patience * timeoutMs) return this.#lost('error');
      const pauseMs = Math.max(timeoutMs - used, leastMs);
      // oxlint-disable-next-line no-await-in-loop -- a busy machine gives it less time than passes
      const told = await within(pauseMs, answer);
      if (told !== undefined) return told;
      // oxlint-disable-next-line no-await-in-loop
      [used, waited] = [await usedMs(), waited + pauseMs];
    }
    return this.#lost('timeout');
  }

  end(): void {
    this.#isAlive = false;
    this.#host.end();
  }

  #lost(because: Lost): Lost {
    this.end();
    return because;
  }

  /** What its host says next, or how it ended. */
  #next(): Promise<unknown> {
    return new Promise((resolve) => (this.#heard = resolve));
  }

  /** One that does not say it in good time is taken by the clock. */
  #cpuMs(): Promise<number | undefined> {
    return within(patience * leastMs, this.#host.cpuMs());
  }

  /** How much time its host has taken from now on. */
  async #watch(): Promise<() => Promise<number>> {
    const [startedMs, before] = [performance.now(), await this.#cpuMs()];
    return async () => {
      const now = before === undefined ? undefined : await this.#cpuMs();
      return before === undefined || now === undefined ? performance.now() - startedMs : now - before;
    };
  }
}

/** `undefined` if that takes longer. The timer also keeps this process, which idle hosts do not. */
function within<T>(milliseconds: number, promise: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds, undefined);
    void promise.then((value) => {
      clearTimeout(timer);
      resolve(value);
    });
  });
}
