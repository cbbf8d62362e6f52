/**
 * The blocks of a cache, and how many sequences have each. Those that were given back are taken again before any that never was, so that
 * memory is touched no further than needed.
 */
export class BlockPool {
  readonly #capacity: number;
  /** By block, of those that were taken before. The first is nobody's: whatever needs some block, and no particular one, has it. */
  readonly #users: number[] = [1];
  readonly #givenBack: number[] = [];

  /** @param capacity blocks, the first included */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Blocks that nobody has. */
  get free(): number {
    return this.#capacity - this.touched + this.#givenBack.length;
  }

  /** Blocks from 0 on of which none above was ever taken. */
  get touched(): number {
    return this.#users.length;
  }

  /** A block for one sequence. */
  take(): number {
    if (this.free === 0) throw new Error(`all ${this.#capacity} blocks of the cache are taken`);
    const block = this.#givenBack.pop() ?? this.touched;
    this.#users[block] = 1;
    return block;
  }

  /** The block for one more. */
  share(block: number): number {
    this.#users[block] = this.#usersOf(block) + 1;
    return block;
  }

  /** Once for each that has it. */
  giveBack(block: number): void {
    const left = this.#usersOf(block) - 1;
    this.#users[block] = left;
    if (left === 0) this.#givenBack.push(block);
  }

  #usersOf(block: number): number {
    const users = this.#users[block] ?? 0;
    if (users === 0) throw new Error(`block ${block} of the cache is nobody's`);
    return users;
  }
}
