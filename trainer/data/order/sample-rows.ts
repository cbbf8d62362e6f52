import { randomKey } from '../../algorithms/random.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import { permuted } from './permutation.ts';
import type { RowList } from '../lists/row-list.ts';

/**
 * A fixed random sample of at most `limit` rows, in their order: the first ones of a file are seldom like the others. Every
 * stage of a run draws the same one of a dataset.
 */
export function sampleRows(rows: RowList, limit: number, seed: number, dataset: string): Row[] {
  if (rows.length <= limit) return [...rows];
  const key = randomKey(seed, 'evaluation-rows', dataset);
  const places = Array.from({ length: limit }, (_, index) => permuted(key, index, rows.length));
  return places.toSorted((a, b) => a - b).map((place) => rows.at(place) as Row);
}
