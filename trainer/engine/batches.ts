import { zip } from '../algorithms/zip.ts';
import { UserError } from '../contract/errors.ts';
import type { ModelConfig } from '../models/config.ts';
import type { Grid } from '../models/program-inputs.ts';
import { cutMicroBatches, tokenBudget } from './micro-batches.ts';
import type { PolicySequence, PreferencePair, TokenSequence, TrainingBatch } from './sequences.ts';

/** Some sequences of a batch and the padded size they run at. */
export interface Part<T> {
  readonly grid: Grid;
  /** Indices into the batch. */
  readonly members: readonly number[];
  readonly sequences: readonly T[];
}

/** How sequences are cut into micro-batches. */
interface Cut<T> {
  /** Tokens that the program sees of a sequence. */
  readonly length: (sequence: T) => number;
  /** What a sequence shares with others: they stay side by side. */
  readonly family?: (sequence: T) => unknown;
  readonly rowsPerSequence?: number;
}

/**
 * Cuts sequences into micro-batches.
 *
 * @throws UserError if a sequence is longer than the model takes
 */
export function cutSequences<T>(
  sequences: readonly T[],
  { vocabularySize, maxLength }: ModelConfig,
  { length, family, rowsPerSequence = 1 }: Cut<T>,
): Part<T>[] {
  const lengths = sequences.map(length);
  const longest = lengths.findIndex((tokens) => tokens > maxLength);
  if (longest >= 0) {
    throw new UserError(`sequence ${longest} has ${lengths[longest]} tokens, the model takes at most ${maxLength}`);
  }
  const budget = tokenBudget(vocabularySize) / rowsPerSequence;
  return cutMicroBatches(lengths, budget, family && sequences.map(family)).map(({ rows, length: padded, members }) => ({
    grid: { rows: rows * rowsPerSequence, length: padded },
    members,
    sequences: members.map((member) => sequences[member] as T),
  }));
}

/** Cuts completions into micro-batches; those of one prompt share its tokens. */
export function cutCompletions<T extends TokenSequence>(sequences: readonly T[], config: ModelConfig): Part<T>[] {
  return cutSequences(sequences, config, { length: predictedTokens, family: ({ promptIds }) => promptIds.join() });
}

/** A part of a training step that runs forward and backward at once. */
export interface TrainingPart {
  readonly grid: Grid;
  readonly members: readonly number[];
  readonly batch: TrainingBatch;
}

/** Cuts the batch of a training step into micro-batches. */
export function cutBatch(batch: TrainingBatch, config: ModelConfig): TrainingPart[] {
  if (batch.loss === 'pairwise') {
    return cutSequences(batch.pairs, config, { length: longerOf, rowsPerSequence: 2 }).map(
      ({ sequences: pairs, ...cut }) => ({
        ...cut,
        batch: { ...batch, pairs },
      }),
    );
  }
  if (batch.loss === 'policy') {
    return cutCompletions(batch.sequences, config).map(({ sequences, ...cut }) => ({
      ...cut,
      batch: { ...batch, sequences: sequences.map(lossFields) },
    }));
  }
  return cutSequences(batch.sequences, config, { length: ({ ids }) => ids.length - 1 }).map(
    ({ sequences, ...cut }) => ({
      ...cut,
      batch: { ...batch, sequences },
    }),
  );
}

/** Of whatever a caller knows of a completion, what a worker thread needs. */
function lossFields({
  promptIds,
  completionIds,
  oldProbs,
  refProbs,
  advantage,
  weight,
}: PolicySequence): PolicySequence {
  return { promptIds, completionIds, oldProbs, refProbs, advantage, weight };
}

/**
 * Tokens that a program sees of a prompt with its completion: all but the last, which it predicts.
 *
 * @throws UserError if the prompt is empty: nothing predicts the first token
 */
function predictedTokens({ promptIds, completionIds }: TokenSequence): number {
  if (promptIds.length === 0) throw new UserError('a sequence has an empty prompt, expected at least one token');
  return promptIds.length + completionIds.length - 1;
}

function longerOf({ chosen, rejected }: PreferencePair): number {
  return Math.max(chosen.length, rejected.length);
}

/** Puts the results of micro-batches back into the order of the batch. */
export function inBatchOrder<T>(
  parts: readonly { readonly members: readonly number[] }[],
  results: readonly (readonly T[])[],
): T[] {
  const ordered: T[] = [];
  for (const [{ members }, ofPart] of zip(parts, results)) {
    for (const [index, result] of zip(members, ofPart)) ordered[index] = result;
  }
  return ordered;
}
