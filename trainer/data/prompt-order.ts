import { randomKey } from '../algorithms/random.ts';
import { permuted } from './permutation.ts';

/**
 * Items `start … start + count − 1` of an endless sequence of epochs, each of which has every row once in its own random
 * order. A function of its arguments and cheap at any place, so that a resumed run goes on with the same rows.
 */
export function promptBatch<T>(
  rows: Pick<readonly T[], 'length' | 'at'>,
  seed: number,
  start: number,
  count: number,
): T[] {
  return Array.from({ length: count }, (_, offset) => {
    const epoch = Math.floor((start + offset) / rows.length);
    const place = permuted(randomKey(seed, 'prompt-order', epoch), (start + offset) % rows.length, rows.length);
    return rows.at(place) as T;
  });
}
