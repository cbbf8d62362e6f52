import { randomKey, shuffled } from '../algorithms/random.ts';

/** The rows in the order of one epoch: every row once, shuffled by seed and epoch. */
export function promptOrder<T>(rows: readonly T[], seed: number, epoch: number): T[] {
  return shuffled(rows, randomKey(seed, 'prompt-order', epoch));
}

/**
 * Rows of one batch of an endless sequence of epochs: items `start … start + count − 1`. A function of its arguments, so
 * that a resumed run goes on with the same rows. Mostly one or two epochs are shuffled, so that memory stays that of the rows.
 */
export function promptBatch<T>(rows: readonly T[], seed: number, start: number, count: number): T[] {
  const batch: T[] = [];
  let epoch = -1;
  let order: T[] = [];
  for (let index = start; index < start + count; index++) {
    const epochOfIndex = Math.floor(index / rows.length);
    if (epochOfIndex !== epoch) {
      epoch = epochOfIndex;
      order = promptOrder(rows, seed, epoch);
    }
    batch.push(order[index % rows.length] as T);
  }
  return batch;
}
