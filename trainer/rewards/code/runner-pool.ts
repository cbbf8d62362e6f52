import type { Job, Outcome } from './code-tests.ts';

/** A thread or process in which answers run, one at a time. It says `ready` once, and then the outcomes of each job. */
export interface Host {
  send(job: Job): void;
  hear(listener: (message: unknown) => void): void;
  onEnd(listener: () => void): void;
  end(): void;
}

/** Why a run has no outcomes: its host did not answer in time, or was lost. Neither says that the answer is wrong. */
export type Lost = 'timeout' | 'error';

interface Options {
  /** As many run at a time. */
  readonly size: number;
  readonly timeoutMs: number;
}

/** To start, on a machine that is busy. */
const startMs = 120_000;

/**
 * Runs answers beside this process's own work. Outcomes are a function of the job, so that neither the number of hosts nor which of them ran it
 * shows. A host that takes too long is ended, and another takes its place.
 */
export class RunnerPool {
  readonly #start: () => Host;
  readonly #options: Options;
  readonly #idle: Runner[] = [];
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(start: () => Host, options: Options) {
    this.#start = start;
    this.#options = options;
  }

  async run(job: Job): Promise<readonly Outcome[] | Lost> {
    if (this.#running >= this.#options.size) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    const runner = this.#takeIdle() ?? new Runner(this.#start());
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
  #takeIdle(): Runner | undefined {
    let runner = this.#idle.pop();
    while (runner?.isAlive === false) runner = this.#idle.pop();
    return runner;
  }

  close(): void {
    for (const runner of this.#idle.splice(0)) runner.end();
  }
}

class Runner {
  readonly #host: Host;
  #isReady = false;
  #isAlive = true;
  #heard: (message: unknown) => void = () => undefined;
  #ended: () => void = () => undefined;

  constructor(host: Host) {
    this.#host = host;
    host.hear((message) => this.#heard(message));
    host.onEnd(() => {
      this.#isAlive = false;
      this.#ended();
    });
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  async run(job: Job, timeoutMs: number): Promise<readonly Outcome[] | Lost> {
    if (!this.#isReady) {
      const started = await this.#message(startMs);
      if (started !== 'ready') return 'error';
      this.#isReady = true;
    }
    const answer = this.#message(timeoutMs);
    this.#host.send(job);
    return (await answer) as readonly Outcome[] | Lost;
  }

  end(): void {
    this.#isAlive = false;
    this.#host.end();
  }

  /** Its timer also keeps this process, which idle hosts do not. */
  #message(timeoutMs: number): Promise<unknown> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.end();
        resolve('timeout');
      }, timeoutMs);
      const finish = (message: unknown): void => {
        clearTimeout(timer);
        resolve(message);
      };
      this.#heard = finish;
      this.#ended = () => finish('error');
    });
  }
}
