import { UserError } from '../contract/errors.ts';
import type { ModelConfig } from '../models/config.ts';
import type { Grid } from './feeds.ts';
import { cutMicroBatches, tokenBudget } from './micro-batches.ts';
import type { LossPart, TrainingBatch } from './sequences.ts';

/** Some sequences of a batch and the padded size they run at. */
export interface Part<T> {
  readonly grid: Grid;
  /** Indices into the batch. */
  readonly members: readonly number[];
  readonly sequences: readonly T[];
}

/**
 * Cuts sequences into micro-batches.
 *
 * @param length tokens that the program sees of a sequence
 * @throws UserError if a sequence is longer than the model takes
 */
export function cutSequences<T>(
  sequences: readonly T[],
  length: (sequence: T) => number,
  { vocabularySize, maxLength }: ModelConfig,
  rowsPerSequence = 1,
): Part<T>[] {
  const lengths = sequences.map(length);
  const longest = lengths.findIndex((tokens) => tokens > maxLength);
  if (longest >= 0) {
    throw new UserError(`sequence ${longest} has ${lengths[longest]} tokens, the model takes at most ${maxLength}`);
  }
  const budget = tokenBudget(vocabularySize) / rowsPerSequence;
  return cutMicroBatches(lengths, budget).map(({ rows, length: padded, members }) => ({
    grid: { rows: rows * rowsPerSequence, length: padded },
    members,
    sequences: members.map((member) => sequences[member] as T),
  }));
}

/** Cuts the batch of a training step into micro-batches. */
export function cutBatch(
  batch: TrainingBatch,
  config: ModelConfig,
): { readonly grid: Grid; readonly members: readonly number[]; readonly part: LossPart }[] {
  switch (batch.loss) {
    case 'sft': {
      const { sequences, ...settings } = batch;
      return cutSequences(sequences, ({ ids }) => ids.length - 1, config).map(({ sequences: members, ...cut }) => ({
        ...cut,
        part: { settings, sequences: members },
      }));
    }
    case 'policy': {
      const { sequences, ...settings } = batch;
      const tokens = ({ promptIds, completionIds }: (typeof sequences)[number]) =>
        promptIds.length + completionIds.length - 1;
      return cutSequences(sequences, tokens, config).map(({ sequences: members, ...cut }) => ({
        ...cut,
        part: { settings, sequences: members },
      }));
    }
    case 'pairwise': {
      const { pairs, ...settings } = batch;
      const tokens = ({ chosen, rejected }: (typeof pairs)[number]) => Math.max(chosen.length, rejected.length);
      return cutSequences(pairs, tokens, config, 2).map(({ sequences: members, ...cut }) => ({
        ...cut,
        part: { settings, sequences: members },
      }));
    }
  }
}
