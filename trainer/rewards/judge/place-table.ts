/** Where something lies in a file, in bytes. */
export interface Place {
  readonly offset: number;
  readonly length: number;
}

/** Numbers of an entry: its prefix, offset and length. */
const width = 3;

/**
 * Places by a number, in the order in which they were added. They lie in flat arrays with a hash table over them, by linear probing: 32 to
 * 64 bytes each, where a Map of strings has some 200.
 */
export class PlaceTable {
  #entries = new Float64Array(width * 512);
  /** The number of an entry, from 1; 0 is free. At least half of them are. */
  #slots = new Uint32Array(1024);
  #count = 0;

  /** @param prefix of a hash, from 0 to 2⁵³ − 1: others may have the same one */
  add(prefix: number, { offset, length }: Place): void {
    if (2 * this.#count === this.#slots.length) this.#grow();
    this.#entries.set([prefix, offset, length], width * this.#count);
    this.#count++;
    this.#link(this.#count);
  }

  /** All that were added with this prefix, the first one first. */
  *find(prefix: number): Generator<Place> {
    for (let slot = this.#home(prefix); this.#slots[slot] !== 0; slot = this.#next(slot)) {
      const [found, offset, length] = this.#entry(this.#slots[slot] as number);
      if (found === prefix) yield { offset, length };
    }
  }

  #grow(): void {
    const grown = new Float64Array(2 * this.#entries.length);
    grown.set(this.#entries);
    this.#entries = grown;
    this.#slots = new Uint32Array(2 * this.#slots.length);
    for (let number = 1; number <= this.#count; number++) this.#link(number);
  }

  #link(number: number): void {
    let slot = this.#home(this.#entry(number)[0]);
    while (this.#slots[slot] !== 0) slot = this.#next(slot);
    this.#slots[slot] = number;
  }

  #entry(number: number): [prefix: number, offset: number, length: number] {
    const start = width * (number - 1);
    return [...this.#entries.subarray(start, start + width)] as [number, number, number];
  }

  #home(prefix: number): number {
    return prefix % this.#slots.length;
  }

  #next(slot: number): number {
    return (slot + 1) % this.#slots.length;
  }
}
