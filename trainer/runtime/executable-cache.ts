import type { OnnxProgram } from '../graph/program.ts';
import type { Executable, Runtime } from './runtime.ts';

/** The most recently used programs of one thread, by key. */
export class ExecutableCache {
  readonly #runtime: Runtime;
  readonly #limit: number;
  readonly #executables = new Map<string, Executable>(); // in the order of last use

  /** @param limit programs kept; each holds its compiled graph, not the memory of its runs */
  constructor(runtime: Runtime, limit: number) {
    this.#runtime = runtime;
    this.#limit = limit;
  }

  /** The program of `key`, compiled from `build()` on a miss. Do not release it. */
  async get(key: string, build: () => OnnxProgram): Promise<Executable> {
    const executable = this.#executables.get(key) ?? (await this.#runtime.compile(build()));
    this.#executables.delete(key);
    this.#executables.set(key, executable);
    for (const [oldest, unused] of this.#executables) {
      if (this.#executables.size <= this.#limit) break;
      this.#executables.delete(oldest);
      await unused.release();
    }
    return executable;
  }
}
