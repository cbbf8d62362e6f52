import { settingInputs, tokenInputs } from '../../losses/policy-loss.ts';
import { type Packing, packSequences } from '../../models/packing.ts';
import type { Grid } from '../../models/program-inputs.ts';
import { inverseOf } from '../../rollout/decoder.ts';
import { floatTensor, indexTensor, type Tensors } from '../../runtime/tensor.ts';
import type {
  PairScores,
  PolicyBatch,
  PreferencePair,
  ScoredSequence,
  SupervisedSequence,
  TokenSequence,
} from '../sequences.ts';

/** `ids` [rows, length], right-padded with token 0. */
function idsTensor({ rows, length }: Grid, sequences: readonly (readonly number[])[]) {
  const ids = new Int32Array(rows * length);
  sequences.forEach((sequence, row) => ids.set(sequence, row * length));
  return indexTensor(ids, [rows, length]);
}

const scalar = (value: number) => floatTensor(Float32Array.of(value), [1]);

function packedFeeds({ ids, positions, places, origins }: Packing): Tensors {
  return {
    ids: indexTensor(ids, [ids.length]),
    positions: indexTensor(positions, [ids.length, 1]),
    places: indexTensor(places, [places.length]),
    origins: indexTensor(origins, [ids.length]),
  };
}

/** One number per predicted token. Two at least: a product with a single row would sum in another order. */
function perToken(numbers: readonly number[], padding: number): number[] {
  return [...numbers, padding, padding].slice(0, Math.max(2, numbers.length));
}

function perTokenFloats(padding: number, numbers: readonly number[]) {
  const values = Float32Array.from(perToken(numbers, padding));
  return floatTensor(values, [values.length]);
}

/** Tokens whose next token is predicted, and what that is. */
interface Predictions {
  readonly picked: readonly number[];
  readonly targets: readonly number[];
}

function predictionFeeds({ picked, targets }: Predictions): Tensors {
  const [tokens, next] = [perToken(picked, 0), perToken(targets, 0)];
  return { picked: indexTensor(tokens, [tokens.length]), targets: indexTensor(next, [next.length]) };
}

/** The places of a sequence where a token is trained. */
function trainedPlaces({ ids, weights }: SupervisedSequence): number[] {
  if (weights.length < ids.length - 1)
    throw new Error(`${weights.length} weights for ${ids.length - 1} predicted tokens`);
  return [...ids.keys()].slice(0, -1).filter((position) => weights[position] !== 0);
}

export function supervisedFeeds(grid: Grid, sequences: readonly SupervisedSequence[]): Tensors {
  const trained = sequences.map(trainedPlaces);
  const overTrained = (number: (sequence: SupervisedSequence, position: number, row: number) => number): number[] =>
    sequences.flatMap((sequence, row) => (trained[row] ?? []).map((position) => number(sequence, position, row)));
  return {
    ids: idsTensor(
      grid,
      sequences.map(({ ids }) => ids.slice(0, -1)),
    ),
    ...predictionFeeds({
      picked: overTrained((_, position, row) => row * grid.length + position),
      targets: overTrained(({ ids }, position) => ids[position + 1] as number),
    }),
    weight: perTokenFloats(
      0,
      overTrained(({ weights }, position) => weights[position] as number),
    ),
  };
}

export function policyFeeds(grid: Grid, { sequences, settings, temperature }: PolicyBatch): Tensors {
  const ofTokens = Object.entries(tokenInputs).map(([name, { padding, of }]) => {
    const numbers = sequences.flatMap((sequence) => perCompletionToken(name, sequence, of(sequence, settings)));
    return [name, perTokenFloats(padding, numbers)];
  });
  const ofSettings = Object.entries(settingInputs).map(([name, of]) => [name, scalar(of(settings))]);
  return {
    ...completionFeeds(grid, sequences, inverseOf(temperature)),
    ...Object.fromEntries([...ofTokens, ...ofSettings]),
  };
}

function perCompletionToken(
  name: string,
  { completionIds }: TokenSequence,
  numbers: ArrayLike<number> | number,
): number[] {
  if (typeof numbers === 'number') return completionIds.map(() => numbers);
  if (numbers.length === completionIds.length) return Array.from(numbers);
  throw new Error(`${name} has ${numbers.length} numbers for a completion of ${completionIds.length} tokens`);
}

/** Completions of one prompt share its tokens. The first completion token is predicted at the prompt's last one. */
export function completionFeeds(
  { rows, length }: Grid,
  sequences: readonly TokenSequence[],
  inverseTemperature: number,
): Tensors {
  const packing = packSequences(
    sequences.map(({ promptIds, completionIds }) => ({ shared: promptIds, own: completionIds.slice(0, -1) })),
    rows,
    length,
  );
  const picked = sequences.flatMap(({ promptIds, completionIds }, row) => {
    const first = row * length + promptIds.length - 1;
    return packing.places.slice(first, first + completionIds.length);
  });
  const targets = sequences.flatMap(({ completionIds }) => completionIds);
  return {
    ...packedFeeds(packing),
    ...predictionFeeds({ picked, targets }),
    inverseTemperature: scalar(inverseTemperature),
  };
}

/** `last` [rows]: the flat index of each sequence's last token. */
export function scoreFeeds(grid: Grid, sequences: readonly ScoredSequence[]): Tensors {
  const last = Int32Array.from({ length: grid.rows }, (_, row) => {
    const length = sequences[row]?.ids.length ?? 1;
    return row * grid.length + length - 1;
  });
  const ids = sequences.map((sequence) => sequence.ids);
  return { ids: idsTensor(grid, ids), last: indexTensor(last, [grid.rows]) };
}

/** Row 2i is the chosen and row 2i + 1 the rejected sequence of pair i. */
export function pairFeeds(grid: Grid, pairs: readonly PreferencePair[]): Tensors {
  const weight = new Float32Array(grid.rows / 2);
  pairs.forEach((pair, index) => (weight[index] = pair.weight));
  const sequences = pairs.flatMap(({ chosen, rejected }) => [{ ids: chosen }, { ids: rejected }]);
  return { ...scoreFeeds(grid, sequences), weight: floatTensor(weight, [weight.length]) };
}

/** Cuts numbers of consecutive completion tokens up into sequences. */
export function completionNumbers(numbers: Float32Array, sequences: readonly TokenSequence[]): Float32Array[] {
  return cutUp(
    numbers,
    sequences.map(({ completionIds }) => completionIds.length),
  );
}

/** Cuts numbers of consecutive trained tokens up into sequences. */
export function trainedNumbers(numbers: Float32Array, sequences: readonly SupervisedSequence[]): Float32Array[] {
  return cutUp(
    numbers,
    sequences.map((sequence) => trainedPlaces(sequence).length),
  );
}

function cutUp(numbers: Float32Array, lengths: readonly number[]): Float32Array[] {
  let end = 0;
  return lengths.map((length) => numbers.slice(end, (end += length)));
}

export function pairScores(scores: Float32Array, pairs: readonly PreferencePair[]): PairScores[] {
  return pairs.map((_, pair) => [scores[2 * pair] as number, scores[2 * pair + 1] as number]);
}
