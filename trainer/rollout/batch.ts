import { cacheBlock } from '../models/programs.ts';
import type { KvMemory } from './kv-cache.ts';
import type { Sequence } from './sequence.ts';

/** The sequences side by side, in the order in which they joined: those that share a prompt stay neighbours. */
export class Batch {
  readonly #cache: KvMemory;
  #rows: Sequence[] = [];

  constructor(cache: KvMemory) {
    this.#cache = cache;
  }

  get rows(): readonly Sequence[] {
    return this.#rows;
  }

  /** Adds a sequence that begins with what is in `blocks`, of which it shares those that are full. */
  join(sequence: Sequence, blocks: readonly number[]): void {
    const full = Math.floor(sequence.position / cacheBlock);
    for (const block of blocks.slice(0, full)) sequence.blocks.push(this.#cache.pool.share(block));
    for (const block of blocks.slice(full)) sequence.blocks.push(this.#copyOf(block));
    this.#rows.push(sequence);
  }

  #copyOf(block: number): number {
    const copy = this.#cache.pool.take();
    this.#cache.copyBlock(block, copy);
    return copy;
  }

  /** Keeps those for which `goesOn` is true; the others leave with their blocks. */
  keep(goesOn: (sequence: Sequence) => boolean): void {
    this.#rows = this.#rows.filter((sequence) => {
      const stays = goesOn(sequence);
      if (!stays) this.#empty(sequence);
      return stays;
    });
  }

  /**
   * Gives every sequence a block for its newest token. Where there are too few, those that joined last leave.
   *
   * @returns those that left, whose keys and values are lost
   */
  makeRoom(): Sequence[] {
    const { pool } = this.#cache;
    const left: Sequence[] = [];
    for (let row = 0; row < this.#rows.length; row++) {
      const sequence = this.#rows[row] as Sequence;
      if (sequence.position < sequence.blocks.length * cacheBlock) continue;
      while (pool.free === 0 && row < this.#rows.length) {
        const last = this.#rows.pop() as Sequence;
        this.#empty(last);
        left.push(last);
      }
      if (row < this.#rows.length) sequence.blocks.push(pool.take());
    }
    return left;
  }

  #empty({ blocks }: Sequence): void {
    for (const block of blocks.splice(0)) this.#cache.pool.giveBack(block);
  }
}
