import type { OnnxProgram } from '../graph/program.ts';
import { openSession } from './session.ts';
import type { Session } from './session.ts';

/** The most recently used sessions of one thread, by key. */
export class SessionCache {
  readonly #limit: number;
  readonly #sessions = new Map<string, Session>(); // in the order of last use

  /** @param limit sessions kept; each holds its compiled graph, not the memory of its runs */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The session of `key`, compiled from `build()` on a miss. Do not release it. */
  async get(key: string, build: () => OnnxProgram): Promise<Session> {
    const session = this.#sessions.get(key) ?? (await openSession(build()));
    this.#sessions.delete(key);
    this.#sessions.set(key, session);
    for (const [oldest, unused] of this.#sessions) {
      if (this.#sessions.size <= this.#limit) break;
      this.#sessions.delete(oldest);
      await unused.release();
    }
    return session;
  }
}
