import type { TrainingBatch } from '../../trainer/engine/engine.ts';

/** Rows whose loss is the mean over all targets, each token but the first of its row. */
export function supervisedBatch(ids: readonly (readonly number[])[]): TrainingBatch & { readonly loss: 'sft' } {
  const targets = ids.reduce((sum, row) => sum + row.length - 1, 0);
  return {
    loss: 'sft',
    sequences: ids.map((row) => ({
      ids: row,
      weights: row.map((_, at) => (at < row.length - 1 ? 1 / targets : 0)),
    })),
  };
}
