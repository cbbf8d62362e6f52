import type { ModelConfig } from '../../models/config.ts';
import type { TrainingPart } from '../batches.ts';
import { numberRows } from '../embedding-rows.ts';
import type { SharedRows } from './protocol.ts';
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
  of(parts: readonly TrainingPart[]): SharedRows {
    const count = numberRows(parts, this.#rowOf);
    if (this.#rows.length < count * this.#width) this.#rows = sharedFloats(count * this.#width);
    return { rowOf: this.#rowOf, rows: this.#rows.subarray(0, count * this.#width) };
  }
}
