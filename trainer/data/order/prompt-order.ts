import { randomKey } from '../../algorithms/random.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import { UserError } from '../../contract/process/errors.ts';
import { permuted } from './permutation.ts';
import { pickRows, type RowList } from '../lists/row-list.ts';

/**
 * Items `start … start + count − 1` of an endless sequence of epochs, each of which has every row once in its own random
 * order. A function of its arguments and cheap at any place, so that a resumed run goes on with the same rows.
 *
 * @param order names the sequence: another one is another order of the same rows
 */
export function promptBatch<T>(
  rows: Pick<readonly T[], 'length' | 'at'>,
  seed: number,
  start: number,
  count: number,
  order: readonly string[] = ['prompt-order'],
): T[] {
  return Array.from({ length: count }, (_, offset) => {
    const epoch = Math.floor((start + offset) / rows.length);
    const place = permuted(randomKey(seed, ...order, epoch), (start + offset) % rows.length, rows.length);
    return rows.at(place) as T;
  });
}

/** As `promptBatch`, of prompts that may be a mixture. */
export type Prompts = (start: number, count: number, order?: string) => Row[];

/** How often a dataset comes, relative to the others. */
export interface DatasetWeight {
  readonly dataset: string;
  readonly weight: number;
}

/** Of so many prompts in a row each dataset has its share, to a whole prompt. */
const block = 1000;

/**
 * Prompts in their order: all rows alike, or datasets by their weights, each with epochs of its own.
 *
 * @param weights of some datasets; 1 for the others. Without any, every row of every dataset comes equally often
 * @throws UserError if a dataset that is to come has no row
 */
export function promptsOf(rows: RowList, seed: number, weights: readonly DatasetWeight[] | undefined): Prompts {
  if (weights === undefined) {
    return (start, count, order = 'prompt-order') => promptBatch(rows, seed, start, count, [order]);
  }
  const parts = [...placesByDataset(rows)].map(([dataset, places]) => ({ dataset, rows: pickRows(rows, places) }));
  const missing = weights.find(({ dataset, weight }) => weight > 0 && !parts.some((part) => part.dataset === dataset));
  if (missing) throw new UserError(`promptWeights: dataset ${missing.dataset} has no row that can be used`);
  const weightOf = (dataset: string) => weights.find((each) => each.dataset === dataset)?.weight ?? 1;
  const quotas = quotasOf(parts.map(({ dataset }) => weightOf(dataset)));

  return (start, count, order = 'prompt-order') =>
    Array.from({ length: count }, (_, offset) => {
      const at = Math.floor((start + offset) / block);
      let place = permuted(randomKey(seed, order, 'mixture', at), (start + offset) % block, block);
      const index = quotas.findIndex((quota) => {
        if (place < quota) return true;
        place -= quota;
        return false;
      });
      const { dataset, rows: ofDataset } = parts[index] as (typeof parts)[number];
      const [row] = promptBatch(ofDataset, seed, at * (quotas[index] as number) + place, 1, [order, dataset]);
      return row as Row;
    });
}

function placesByDataset(rows: RowList): Map<string, number[]> {
  const places = new Map<string, number[]>();
  let place = 0;
  for (const { dataset } of rows) {
    const ofDataset = places.get(dataset);
    if (ofDataset) ofDataset.push(place);
    else places.set(dataset, [place]);
    place++;
  }
  return places;
}

/** Whole numbers that sum to a block, by the method of largest remainders. @throws UserError if no weight is above 0 */
function quotasOf(weights: readonly number[]): number[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total === 0) throw new UserError('promptWeights: found 0 for every dataset, expected one above it');
  const exact = weights.map((weight) => (block * weight) / total);
  const quotas = exact.map(Math.floor);
  const left = block - quotas.reduce((sum, quota) => sum + quota, 0);
  const byRemainder = exact
    .map((share, index) => ({ index, remainder: share % 1 }))
    .toSorted((a, b) => b.remainder - a.remainder || a.index - b.index);
  for (const { index } of byRemainder.slice(0, left)) quotas[index]! += 1;
  return quotas;
}
