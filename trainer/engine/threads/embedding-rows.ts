import type { ModelConfig } from '../../models/config.ts';
import type { TrainingPart } from '../batches.ts';
import type { TrainingBatch } from '../sequences.ts';
import type { EmbeddingRows } from './protocol.ts';
import { sharedFloats } from './shared-memory.ts';

/** Makes room for the embedding's gradient of one step after the other: a row for each token that occurs. */
export class EmbeddingRowsMemory {
  readonly #width: number;
  readonly #rowOf: Int32Array;
  #rows: Float32Array = new Float32Array(0);

  constructor({ vocabularySize, hiddenSize }: ModelConfig) {
    this.#width = hiddenSize;
    this.#rowOf = new Int32Array(new SharedArrayBuffer(vocabularySize * Int32Array.BYTES_PER_ELEMENT));
  }

  /** Valid until the next call. The rows hold old numbers. */
  of(parts: readonly TrainingPart[]): EmbeddingRows {
    let count = 0;
    this.#rowOf.fill(-1);
    for (const { batch } of parts) {
      for (const ids of sequencesOf(batch)) {
        for (const id of ids) if (this.#rowOf[id] === -1) this.#rowOf[id] = count++;
      }
    }
    if (this.#rowOf[0] === -1) this.#rowOf[0] = count++; // stands where a list has too few tokens
    if (this.#rows.length < count * this.#width) this.#rows = sharedFloats(count * this.#width);
    return { rowOf: this.#rowOf, rows: this.#rows };
  }
}

function* sequencesOf(batch: TrainingBatch): Generator<readonly number[]> {
  if (batch.loss === 'pairwise') for (const { chosen, rejected } of batch.pairs) yield* [chosen, rejected];
  else if (batch.loss === 'sft') for (const { ids } of batch.sequences) yield ids;
  else for (const { promptIds, completionIds } of batch.sequences) yield* [promptIds, completionIds];
}
