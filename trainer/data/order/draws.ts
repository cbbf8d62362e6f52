import { integer, uniform, type RandomKey } from '../../algorithms/random.ts';

/** Random choices of one row, in the order in which they are asked for. */
export interface Draws {
  /** True with this probability. */
  chance(probability: number): boolean;
  /** An integer in [0, bound). */
  integer(bound: number): number;
  pick<T>(items: readonly T[]): T;
}

const perRow = 256;

/** The numbers `row · 256 …` of the key's sequence: no row's numbers depend on what another row drew. */
export function drawsOf(key: RandomKey, row: number): Draws {
  let index = row * perRow;
  return {
    chance: (probability) => uniform(key, index++) < probability,
    integer: (bound) => integer(key, index++, bound),
    pick: <T>(items: readonly T[]): T => items[integer(key, index++, items.length)] as T,
  };
}
