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

/** Most tokens of a micro-batch, so that its logits stay within 128 MiB. */
export function tokenBudget(vocabularySize: number): number {
  return Math.min(2048, Math.floor((32 * 1024 * 1024) / vocabularySize));
}

/**
 * Cuts a batch into micro-batches of similar length, longest first; sequences of one family stay side by side, because
 * they share tokens. The cut depends on the sequences and the budget alone, so the gradient, summed in this order, has
 * the same bits with any number of workers. Rows are powers of two, so that few programs are compiled.
 *
 * @param lengths tokens of each sequence
 * @param budget tokens, padding included, that a micro-batch may have (one sequence may have more)
 * @param families what each sequence shares with others, such as its prompt; each is one of its own when absent
 */
export function cutMicroBatches(
  lengths: readonly number[],
  budget: number,
  families: readonly unknown[] = [...lengths.keys()],
): MicroBatch[] {
  const order = familiesLongestFirst(lengths, families);
  const microBatches: MicroBatch[] = [];
  while (order.length > 0) {
    const longest = (members: readonly number[]): number =>
      lengthBucket(members.reduce((length, member) => Math.max(length, lengths[member] as number), 0));
    const bound = longest(order);
    const wanted = Math.max(lengths.length / parts, fewTokens / bound);
    const most = powerOfTwoUpTo(Math.max(1, Math.min(wanted, budget / bound)));
    const members = order.splice(0, most);
    microBatches.push({ rows: powerOfTwoFrom(members.length), length: longest(members), members });
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
