import { lengthBucket } from '../rollout/lengths.ts';

/** Sequences that run through the model together, right-padded to `length`. */
export interface MicroBatch {
  /** Rows of the program; those beyond the members are padding. */
  readonly rows: number;
  readonly length: number;
  /** Indices into the sequences of the whole batch. */
  readonly members: readonly number[];
}

/** At least this many micro-batches where there are enough sequences, to keep several cores busy. */
const parts = 4;
/** Fewer tokens are not cut further: adding up one more gradient costs as much as about 20 tokens. */
const fewTokens = 1024;

/** What a micro-batch may have; one sequence may have more. */
export interface Budget {
  /** Tokens of the grid, padding included. */
  readonly tokens: number;
  /** Predicted tokens: each has a row of logits. */
  readonly predicted: number;
}

/** Keeps the attention of a micro-batch small, and its logits within 128 MiB. */
export function budgetFor(vocabularySize: number): Budget {
  return { tokens: 2048, predicted: Math.floor((32 * 1024 * 1024) / vocabularySize) };
}

/** Size of a sequence, in tokens. */
export interface SequenceSize {
  readonly length: number;
  /** Tokens of it that are predicted: not those of a prompt, and none by a scalar head. */
  readonly predicted: number;
}

/**
 * Cuts a batch into micro-batches of similar length, longest first; sequences of one family stay side by side, because
 * they share tokens. The cut depends on the sequences and the budget alone, so the gradient, summed in this order, has
 * the same bits with any number of workers. Rows are powers of two, so that few programs are compiled.
 *
 * @param families what each sequence shares with others, such as its prompt; each is one of its own when absent
 */
export function cutMicroBatches(
  sizes: readonly SequenceSize[],
  budget: Budget,
  families: readonly unknown[] = [...sizes.keys()],
): MicroBatch[] {
  const lengths = sizes.map(({ length }) => length);
  const order = familiesLongestFirst(lengths, families);
  const most = (members: readonly number[], of: (size: SequenceSize) => number): number =>
    members.reduce((found, member) => Math.max(found, of(sizes[member] as SequenceSize)), 0);
  const paddedLength = (members: readonly number[]): number => lengthBucket(most(members, ({ length }) => length));

  const microBatches: MicroBatch[] = [];
  while (order.length > 0) {
    const length = paddedLength(order);
    const wanted = Math.max(sizes.length / parts, fewTokens / length);
    const affordable = Math.min(budget.tokens / length, budget.predicted / most(order, ({ predicted }) => predicted));
    const members = order.splice(0, powerOfTwoUpTo(Math.max(1, Math.min(wanted, affordable))));
    microBatches.push({ rows: powerOfTwoFrom(members.length), length: paddedLength(members), members });
  }
  return microBatches;
}

/** Indices by family, those with the longest sequence first, and within a family the longest first. */
function familiesLongestFirst(lengths: readonly number[], families: readonly unknown[]): number[] {
  const byLength = [...lengths.keys()].toSorted((a, b) => (lengths[b] as number) - (lengths[a] as number));
  return [...Map.groupBy(byLength, (index) => families[index]).values()].flat();
}

function powerOfTwoUpTo(limit: number): number {
  return 2 ** Math.floor(Math.log2(limit));
}

function powerOfTwoFrom(least: number): number {
  return 2 ** Math.ceil(Math.log2(least));
}
