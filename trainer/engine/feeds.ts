import type { Feeds } from '../runtime/session.ts';
import { floatTensor, indexTensor } from '../runtime/tensor.ts';
import type {
  PairScores,
  PolicyLoss,
  PolicySequence,
  PreferencePair,
  ScoredSequence,
  SupervisedSequence,
  TokenSequence,
} from './sequences.ts';

/** Padded size of a program's input. */
export interface Grid {
  readonly rows: number;
  readonly length: number;
}

/** `ids` [rows, length], right-padded with token 0. */
function idsTensor({ rows, length }: Grid, sequences: readonly (readonly number[])[]) {
  const ids = new Int32Array(rows * length);
  sequences.forEach((sequence, row) => ids.set(sequence, row * length));
  return indexTensor(ids, [rows, length]);
}

/** One float per position, [rows·length], `padding` where `write` sets nothing. */
function perPosition({ rows, length }: Grid, padding: number, write: (values: Float32Array) => void) {
  const values = new Float32Array(rows * length).fill(padding);
  write(values);
  return floatTensor(values, [rows * length]);
}

const scalar = (value: number) => floatTensor(Float32Array.of(value), [1]);

/**
 * `ids` without the last token of each sequence, and `targets` [rows·length] without its first: at position t the program
 * predicts token t + 1.
 */
function nextTokenFeeds(grid: Grid, sequences: readonly (readonly number[])[]) {
  const targets = new Int32Array(grid.rows * grid.length);
  sequences.forEach((ids, row) => targets.set(ids.slice(1), row * grid.length));
  return {
    ids: idsTensor(
      grid,
      sequences.map((ids) => ids.slice(0, -1)),
    ),
    targets: indexTensor(targets, [targets.length]),
  };
}

export function supervisedFeeds(grid: Grid, sequences: readonly SupervisedSequence[]): Feeds {
  const weight = perPosition(grid, 0, (values) =>
    sequences.forEach(({ ids, weights }, row) => values.set(weights.slice(0, ids.length - 1), row * grid.length)),
  );
  const ids = sequences.map((sequence) => sequence.ids);
  return { ...nextTokenFeeds(grid, ids), weight };
}

export function policyFeeds(grid: Grid, sequences: readonly PolicySequence[], settings: PolicyLoss): Feeds {
  // The first completion token is predicted at the last position of the prompt.
  const perToken = (padding: number, tokens: (sequence: PolicySequence) => Float32Array | number) =>
    perPosition(grid, padding, (values) => {
      for (const [row, sequence] of sequences.entries()) {
        const start = row * grid.length + sequence.promptIds.length - 1;
        const numbers = tokens(sequence);
        if (typeof numbers === 'number') values.fill(numbers, start, start + sequence.completionIds.length);
        else values.set(numbers, start);
      }
    });
  return {
    ...completionFeeds(grid, sequences, settings.inverseTemperature),
    weight: perToken(0, ({ weight }) => weight),
    advantage: perToken(0, ({ advantage }) => advantage),
    oldProb: perToken(1, ({ oldProbs }) => oldProbs),
    refProb: perToken(1, ({ refProbs, oldProbs }) => refProbs ?? oldProbs),
    ratioLow: scalar(settings.ratioLow),
    ratioHigh: scalar(settings.ratioHigh),
    klCoefficient: scalar(settings.klCoefficient),
  };
}

export function completionFeeds(grid: Grid, sequences: readonly TokenSequence[], inverseTemperature: number): Feeds {
  const ids = sequences.map(({ promptIds, completionIds }) => [...promptIds, ...completionIds]);
  return { ...nextTokenFeeds(grid, ids), inverseTemperature: scalar(inverseTemperature) };
}

/** `last` [rows]: the flat index of each sequence's last token. */
export function scoreFeeds(grid: Grid, sequences: readonly ScoredSequence[]): Feeds {
  const last = Int32Array.from({ length: grid.rows }, (_, row) => {
    const length = sequences[row]?.ids.length ?? 1;
    return row * grid.length + length - 1;
  });
  const ids = sequences.map((sequence) => sequence.ids);
  return { ids: idsTensor(grid, ids), last: indexTensor(last, [grid.rows]) };
}

/** Row 2i is the chosen and row 2i + 1 the rejected sequence of pair i. */
export function pairFeeds(grid: Grid, pairs: readonly PreferencePair[]): Feeds {
  const weight = new Float32Array(grid.rows / 2);
  pairs.forEach((pair, index) => (weight[index] = pair.weight));
  const sequences = pairs.flatMap(({ chosen, rejected }) => [{ ids: chosen }, { ids: rejected }]);
  return { ...scoreFeeds(grid, sequences), weight: floatTensor(weight, [weight.length]) };
}

/** Probabilities of the completion tokens of each sequence, out of all positions. */
export function completionProbs(probs: Float32Array, { length }: Grid, sequences: readonly TokenSequence[]) {
  return sequences.map(({ promptIds, completionIds }, row) => {
    const start = row * length + promptIds.length - 1;
    return probs.slice(start, start + completionIds.length);
  });
}

/** The numbers at the trained positions of each sequence, out of all positions. */
export function trainedPositions(values: Float32Array, { length }: Grid, sequences: readonly SupervisedSequence[]) {
  return sequences.map(({ ids, weights }, row) =>
    values.slice(row * length, row * length + ids.length - 1).filter((_, t) => (weights[t] ?? 0) !== 0),
  );
}

export function pairScores(scores: Float32Array, pairs: readonly PreferencePair[]): PairScores[] {
  return pairs.map((_, pair) => [scores[2 * pair] as number, scores[2 * pair + 1] as number]);
}
