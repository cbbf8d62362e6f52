import type { AnyTensor } from '../runtime/tensor.ts';
import type { TrainingPart } from './batches.ts';
import type { TrainingBatch } from './sequences.ts';

/** The embedding's gradient while a step is not whole: the rows of those tokens alone that it has. */
export interface EmbeddingRows {
  /** By token id: its row, or −1. */
  readonly rowOf: Int32Array;
  /** `[rows, d]`, maybe with room for more. */
  readonly rows: AnyTensor;
}

/**
 * Gives each token that occurs in a step a row, in the order in which they occur.
 *
 * @param rowOf by token id: overwritten with its row, or −1
 * @returns the number of rows
 */
export function numberRows(parts: readonly TrainingPart[], rowOf: Int32Array): number {
  let count = 0;
  rowOf.fill(-1);
  for (const { batch } of parts) {
    for (const ids of sequencesOf(batch)) {
      for (const id of ids) if (rowOf[id] === -1) rowOf[id] = count++;
    }
  }
  if (rowOf[0] === -1) rowOf[0] = count++; // stands where a list has too few tokens
  return count;
}

/** The token of each row. */
export function tokensOfRows(rowOf: Int32Array): number[] {
  const ofRow: number[] = [];
  for (const [id, row] of rowOf.entries()) if (row >= 0) ofRow[row] = id;
  return ofRow;
}

function* sequencesOf(batch: TrainingBatch): Generator<readonly number[]> {
  if (batch.loss === 'pairwise') for (const { chosen, rejected } of batch.pairs) yield* [chosen, rejected];
  else if (batch.loss === 'sft' || batch.loss === 'pointwise') for (const { ids } of batch.sequences) yield ids;
  else for (const { promptIds, completionIds } of batch.sequences) yield* [promptIds, completionIds];
}
