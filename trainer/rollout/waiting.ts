import type { PromptGroup } from './requests.ts';
import { Sequence } from './sequence.ts';

/** Sequences that are to join the batch, after the tokens that all of them begin with. */
export interface Start {
  readonly ids: readonly number[];
  readonly sequences: readonly Sequence[];
}

/** What waits to join: first what had to leave the batch, which goes on from its own tokens, then groups that have not begun. */
export class Waiting {
  readonly #next: () => PromptGroup | undefined;
  readonly #left: Sequence[] = [];
  #group: Start | undefined;

  /** @param next hands out a group; undefined when there are no more */
  constructor(next: () => PromptGroup | undefined) {
    this.#next = next;
  }

  /** Whoever is first. */
  peek(): Start | undefined {
    const [left] = this.#left;
    if (left !== undefined) return { ids: left.ids, sequences: [left] };
    if (this.#group === undefined) {
      const group = this.#next();
      if (group === undefined) return undefined;
      const { promptIds, samples } = group;
      this.#group = { ids: promptIds, sequences: samples.map((sample) => new Sequence(sample, promptIds)) };
    }
    return this.#group;
  }

  /** Takes away whoever is first. */
  shift(): void {
    if (this.#left.shift() === undefined) this.#group = undefined;
  }

  /** Goes before all others. */
  putBack(sequence: Sequence): void {
    this.#left.unshift(sequence);
  }
}
