import { randomKey, uniform } from '../algorithms/random.ts';

/**
 * The rows that a second person reads as well: a sample of them that depends on the seed and their ids, and not on their
 * order. At least one where the share is more than nothing.
 *
 * @param share 0 … 1
 */
export function secondReaders(ids: readonly string[], share: number, seed: number): ReadonlySet<string> {
  const drawn = ids.map((id) => ({ id, at: uniform(randomKey(seed, 'second-reader', id), 0) }));
  const count = Math.ceil(share * ids.length);
  return new Set(
    drawn
      .toSorted((a, b) => a.at - b.at)
      .slice(0, count)
      .map(({ id }) => id),
  );
}
