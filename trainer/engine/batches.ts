import { zip } from '../algorithms/zip.ts';
import { UserError } from '../contract/process/errors.ts';
import type { ModelConfig } from '../models/config.ts';
import { budgetFor, cutMicroBatches, type SequenceSize } from './micro-batches.ts';
import type {
  PolicySequence,
  PreferencePair,
  ScoredSequence,
  SupervisedSequence,
  TokenSequence,
  TrainingBatch,
} from './sequences.ts';

/** Some sequences of a batch that run together. */
export interface Part<T> {
  /** Of the list that they are. */
  readonly tokens: number;
  /** Indices into the batch. */
  readonly members: readonly number[];
  readonly sequences: readonly T[];
}

/** How sequences are cut into micro-batches. */
interface Cut<T> {
  readonly size: (sequence: T) => SequenceSize;
  /** What a sequence shares with others: they stay side by side. */
  readonly family?: (sequence: T) => unknown;
}

/**
 * Cuts sequences into micro-batches.
 *
 * @throws UserError if a sequence is longer than the model takes
 */
export function cutSequences<T>(sequences: readonly T[], config: ModelConfig, { size, family }: Cut<T>): Part<T>[] {
  const sizes = sequences.map(size);
  for (const [index, { length }] of sizes.entries()) {
    if (length <= config.maxLength) continue;
    throw new UserError(`sequence ${index} has ${length} tokens, the model takes at most ${config.maxLength}`);
  }
  return cutMicroBatches(sizes, budgetFor(config), family && sequences.map(family)).map(({ tokens, members }) => ({
    tokens,
    members,
    sequences: members.map((member) => sequences[member] as T),
  }));
}

/**
 * Cuts completions into micro-batches; those of one prompt share its tokens.
 *
 * @param fields of whatever a caller knows of a completion, what a worker thread needs
 */
export function cutCompletions<T, F extends TokenSequence>(
  sequences: readonly T[],
  config: ModelConfig,
  fields: (sequence: T) => F,
): Part<F>[] {
  return cutSequences(sequences.map(fields), config, { size: sizeOf, family: ({ promptIds }) => promptIds.join() });
}

export function tokenFields({ promptIds, completionIds, sampled }: TokenSequence): TokenSequence {
  return { promptIds, completionIds, ...(sampled && { sampled }) };
}

function lossFields(sequence: PolicySequence): PolicySequence {
  const { oldProbs, refProbs, advantage, weight, entropyWeight } = sequence;
  return { ...tokenFields(sequence), oldProbs, refProbs, advantage, weight, entropyWeight };
}

/** A part of a training step that runs forward and backward at once. */
export interface TrainingPart {
  readonly tokens: number;
  readonly members: readonly number[];
  readonly batch: TrainingBatch;
}

/** Cuts the batch of a training step into micro-batches. */
export function cutBatch(batch: TrainingBatch, config: ModelConfig): TrainingPart[] {
  if (batch.loss === 'pairwise') {
    return cutSequences(batch.pairs, config, { size: sizeOfPair }).map(({ sequences: pairs, ...cut }) => ({
      ...cut,
      batch: { ...batch, pairs },
    }));
  }
  if (batch.loss === 'policy') {
    return cutCompletions(batch.sequences, config, lossFields).map(({ sequences, ...cut }) => ({
      ...cut,
      batch: { ...batch, sequences },
    }));
  }
  if (batch.loss === 'pointwise') {
    return cutSequences(batch.sequences, config, { size: sizeOfScored }).map(({ sequences, ...cut }) => ({
      ...cut,
      batch: { ...batch, sequences },
    }));
  }
  return cutSequences(batch.sequences, config, { size: sizeOfDocument }).map(({ sequences, ...cut }) => ({
    ...cut,
    batch: { ...batch, sequences },
  }));
}

/**
 * A program sees all tokens of a prompt with its completion but the last, which it predicts.
 *
 * @throws UserError if the prompt is empty: nothing predicts the first token
 */
function sizeOf({ promptIds, completionIds }: TokenSequence): SequenceSize {
  if (promptIds.length === 0) throw new UserError('a sequence has an empty prompt, expected at least one token');
  return { length: promptIds.length + completionIds.length - 1, shared: promptIds.length };
}

export function sizeOfScored({ ids }: ScoredSequence): SequenceSize {
  return { length: ids.length };
}

/** Nothing is predicted at the last token. */
function sizeOfDocument({ ids }: SupervisedSequence): SequenceSize {
  return { length: ids.length - 1 };
}

function sizeOfPair({ chosen, rejected }: PreferencePair): SequenceSize {
  const [a, b] = [chosen.length, rejected.length];
  return { length: Math.max(a, b), rows: 2, tokens: a + b };
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
