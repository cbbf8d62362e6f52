import type { PromptGroup } from '../requests.ts';

/** What the main thread tells a generation that runs: more to sample, that nobody waits for a sample, or that nothing more comes. */
export type LiveNews =
  | { readonly kind: 'group'; readonly group: PromptGroup }
  | { readonly kind: 'cancel'; readonly index: number }
  | { readonly kind: 'close' };

/** What one thread is to sample, while it comes in. */
export class LiveRequests {
  readonly #waiting: PromptGroup[] = [];
  /** Samples that somebody waits for. */
  readonly #wanted = new Set<number>();
  #closed = false;
  #arrived = Promise.withResolvers<void>();

  readonly hear = (news: LiveNews): void => {
    if (news.kind === 'group') {
      this.#waiting.push(news.group);
      for (const { index } of news.group.samples) this.#wanted.add(index);
    }
    if (news.kind === 'cancel') this.#wanted.delete(news.index);
    if (news.kind === 'close') this.#closed = true;
    this.#arrived.resolve();
  };

  /** Waits for something to sample. @returns whether there is anything; if not, nothing comes any more */
  async any(): Promise<boolean> {
    // oxlint-disable-next-line no-await-in-loop -- until there is something
    while (this.#waiting.length === 0 && !this.#closed) await this.#news();
    return this.#waiting.length > 0;
  }

  /** The next group, of whose samples somebody waits for at least one. */
  next(): PromptGroup | undefined {
    for (let group = this.#waiting.shift(); group !== undefined; group = this.#waiting.shift()) {
      const samples = group.samples.filter(({ index }) => this.#wanted.has(index));
      if (samples.length > 0) return { promptIds: group.promptIds, samples };
    }
    return undefined;
  }

  /** Whether nobody waits for a sample any more. */
  isDone(index: number): boolean {
    return !this.#wanted.has(index);
  }

  finish(index: number): void {
    this.#wanted.delete(index);
  }

  async #news(): Promise<void> {
    await this.#arrived.promise;
    this.#arrived = Promise.withResolvers();
  }
}
