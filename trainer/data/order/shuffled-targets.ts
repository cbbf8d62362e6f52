import { randomKey } from '../../algorithms/random.ts';
import type { Row } from '../../contract/settings/dataset.ts';
import { permuted } from './permutation.ts';
import { type RowList, rowsAt } from '../lists/row-list.ts';

/**
 * Rows with the completions of other rows, each once, in random order: what a completion looks like is there to learn, and nothing of what it
 * has to do with its prompt. A negative control. One row or two keep their own by chance. Not a shift by some places: in a file whose
 * rows repeat that would pair the same prompts with the same completions again.
 */
export function shuffledTargets(rows: RowList, seed: number, stage: string): RowList {
  const key = randomKey(seed, stage, 'shuffled-targets');
  return rowsAt(rows.length, (place) => {
    const { completion: _, toolCalls: __, ...row } = rows.at(place) as Row;
    const { completion, toolCalls } = rows.at(permuted(key, place, rows.length)) as Row;
    return { ...row, ...(completion !== undefined && { completion }), ...(toolCalls && { toolCalls }) };
  });
}
