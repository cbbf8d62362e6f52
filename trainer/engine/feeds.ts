import { type PolicyLossForm, settingInputs, tokenInputs } from '../losses/policy-loss.ts';
import { type PackedSequence, type Packing, packSequences } from '../models/packing.ts';
import { inverseOf } from '../rollout/decoder.ts';
import {
  type LabelledSequence,
  type PairBatch,
  type PairScores,
  type PolicyBatch,
  predictedPlaces,
  type PreferencePair,
  type ScoredSequence,
  type SupervisedSequence,
  type TokenSequence,
} from './sequences.ts';

/** Tokens of a list that the head runs for, two at least, and what they are to predict. */
export interface Predictions {
  readonly picked: readonly number[];
  /** None where nothing is predicted. */
  readonly targets: readonly number[];
}

/** What a micro-batch is to its programs. */
export interface LossFeeds extends Predictions {
  readonly packing: Packing;
  /** What the loss wants besides: a number for each picked token or pair, or one in all. */
  readonly inputs: Readonly<Record<string, Float32Array>>;
  /** Of the policy loss. */
  readonly form?: PolicyLossForm | undefined;
}

/** The token of a list at a position of a row. */
function tokenAt({ places, length }: Packing, row: number, position: number): number {
  return places[row * length + position] as number;
}

function whole(ids: readonly number[]): PackedSequence {
  return { shared: [], own: ids };
}

/** One number per predicted token. Two at least: a product with a single row would sum in another order. */
function perToken(numbers: readonly number[], padding: number): number[] {
  return [...numbers, padding, padding].slice(0, Math.max(2, numbers.length));
}

function perTokenFloats(padding: number, numbers: readonly number[]): Float32Array {
  return Float32Array.from(perToken(numbers, padding));
}

function padded({ picked, targets }: Predictions): Predictions {
  return { picked: perToken(picked, 0), targets: perToken(targets, 0) };
}

/** The places of a sequence where a token is trained. */
function trainedPlaces({ ids, weights }: SupervisedSequence): number[] {
  if (weights.length < ids.length - 1)
    throw new Error(`${weights.length} weights for ${ids.length - 1} predicted tokens`);
  return [...ids.keys()].slice(0, -1).filter((position) => weights[position] !== 0);
}

export function supervisedFeeds(sequences: readonly SupervisedSequence[]): LossFeeds {
  const packing = packSequences(sequences.map(({ ids }) => whole(ids.slice(0, -1))));
  const trained = sequences.map(trainedPlaces);
  const overTrained = (number: (sequence: SupervisedSequence, position: number, row: number) => number): number[] =>
    sequences.flatMap((sequence, row) => (trained[row] ?? []).map((position) => number(sequence, position, row)));
  return {
    packing,
    ...padded({
      picked: overTrained((_, position, row) => tokenAt(packing, row, position)),
      targets: overTrained(({ ids }, position) => ids[position + 1] as number),
    }),
    inputs: {
      weight: perTokenFloats(
        0,
        overTrained(({ weights }, position) => weights[position] as number),
      ),
    },
  };
}

export function policyFeeds({ sequences, settings, temperature }: PolicyBatch): LossFeeds {
  const ofTokens = Object.entries(tokenInputs).map(([name, { padding, of }]) => {
    const numbers = sequences.flatMap((sequence) => perCompletionToken(name, sequence, of(sequence, settings)));
    return [name, perTokenFloats(padding, numbers)];
  });
  const ofSettings = Object.entries(settingInputs).map(([name, of]) => [name, Float32Array.of(of(settings))]);
  return {
    ...completionFeeds(sequences),
    form: settings.form,
    inputs: {
      ...Object.fromEntries([...ofTokens, ...ofSettings]),
      inverseTemperature: Float32Array.of(inverseOf(temperature)),
    },
  };
}

function perCompletionToken(name: string, sequence: TokenSequence, numbers: ArrayLike<number> | number): number[] {
  const places = predictedPlaces(sequence);
  if (typeof numbers === 'number') return places.map(() => numbers);
  if (numbers.length === places.length) return Array.from(numbers);
  throw new Error(`${name} has ${numbers.length} numbers for a completion of ${places.length} tokens`);
}

/** Completions of one prompt share its tokens. The first completion token is predicted at the prompt's last one; what the model was told is predicted nowhere. */
export function completionFeeds(sequences: readonly TokenSequence[]): Omit<LossFeeds, 'inputs'> {
  const packing = packSequences(
    sequences.map(({ promptIds, completionIds }) => ({ shared: promptIds, own: completionIds.slice(0, -1) })),
  );
  const predicted = sequences.map(predictedPlaces);
  const picked = sequences.flatMap(({ promptIds }, row) =>
    (predicted[row] ?? []).map((place) => tokenAt(packing, row, promptIds.length - 1 + place)),
  );
  const targets = sequences.flatMap(({ completionIds }, row) =>
    (predicted[row] ?? []).map((place) => completionIds[place] as number),
  );
  return { packing, ...padded({ picked, targets }) };
}

/** Each sequence's last token. */
export function scoreFeeds(sequences: readonly ScoredSequence[]): Pick<LossFeeds, 'packing' | 'picked'> {
  const packing = packSequences(sequences.map(({ ids }) => whole(ids)));
  const last = sequences.map(({ ids }, row) => tokenAt(packing, row, ids.length - 1));
  return { packing, picked: perToken(last, 0) };
}

/** Row 2i is the chosen and row 2i + 1 the rejected sequence of pair i. */
export function pairFeeds({ pairs, centering }: PairBatch): LossFeeds {
  const sequences = pairs.flatMap(({ chosen, rejected }) => [{ ids: chosen }, { ids: rejected }]);
  return {
    ...scoreFeeds(sequences),
    targets: [],
    inputs: {
      weight: Float32Array.from(pairs, ({ weight }) => weight),
      margin: Float32Array.from(pairs, ({ margin }) => margin),
      centering: Float32Array.of(centering),
    },
  };
}

export function labelledFeeds(sequences: readonly LabelledSequence[]): LossFeeds {
  const ofSequences = (number: (sequence: LabelledSequence) => number) => perTokenFloats(0, sequences.map(number));
  return {
    ...scoreFeeds(sequences),
    targets: [],
    inputs: { weight: ofSequences(({ weight }) => weight), against: ofSequences(({ isGood }) => (isGood ? -1 : 1)) },
  };
}

/** Cuts numbers of consecutive completion tokens up into sequences. */
export function completionNumbers(numbers: Float32Array, sequences: readonly TokenSequence[]): Float32Array[] {
  return cutUp(
    numbers,
    sequences.map((sequence) => predictedPlaces(sequence).length),
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
