import type { ModelConfig } from '../models/config.ts';
import { gridLength } from '../models/packing.ts';
import { keptShapes } from '../models/programs.ts';
import { sizeOf } from '../graph/shape.ts';

/** Sequences that run through the model together, as one list of tokens. */
export interface MicroBatch {
  /** Tokens of the list: what sequences of a family share is in it once. */
  readonly tokens: number;
  /** Indices into the sequences of the whole batch. */
  readonly members: readonly number[];
}

/** At least this many micro-batches where there are enough tokens, to keep several cores busy. */
const parts = 4;
/** Fewer tokens are not cut further: adding up one more gradient costs as much as about 20 tokens. */
const fewTokens = 1024;
/** More make no product faster. */
const manyTokens = 2048;
/** Up to this length attention is a small part of the work, so that padding on its grid is none to speak of. */
const shortLength = 256;

/** What a micro-batch may have; one sequence may have more. */
export interface Budget {
  /** Of the list. */
  readonly tokens: number;
  /** Scores of one layer's attention: sequences · heads · length². */
  readonly scores: number;
}

/** Bytes of what the layers keep of a micro-batch from the way forward to the way back. Of more tokens the first layers run once more. */
export const keptBytes = 512 * 1024 * 1024;

/** Bytes that one layer keeps of one token. */
export function keptBytesPerToken(config: ModelConfig): number {
  const shapes = Object.values(keptShapes(config));
  return Float32Array.BYTES_PER_ELEMENT * shapes.reduce((sum, shape) => sum + sizeOf(shape), 0);
}

/**
 * How many layers have places of their own for what they keep of so many tokens: those for which there is room, and one more, in
 * whose place the layers before it run once more.
 *
 * @param bytes that what is kept may take
 */
export function keptLayers(config: ModelConfig, tokens: number, bytes = keptBytes): number {
  return Math.min(config.layers, Math.floor(bytes / (tokens * keptBytesPerToken(config))) + 1);
}

/** Keeps what the layers keep within `keptBytes`, unless the micro-batches would become too small to be fast, and scores within 64 MiB. */
export function budgetFor(config: ModelConfig): Budget {
  const affordable = Math.floor(keptBytes / (config.layers * keptBytesPerToken(config)));
  return {
    tokens: Math.min(manyTokens, Math.max(fewTokens, affordable)),
    scores: (16 * 1024 * 1024) / config.heads,
  };
}

/** Size of a sequence, or of several that stay together. */
export interface SequenceSize {
  /** Tokens of the longest. */
  readonly length: number;
  /** Sequences; one when absent. */
  readonly rows?: number;
  /** Tokens of all; `length` when absent. */
  readonly tokens?: number;
  /** How many tokens at its beginning it shares with all of its family. */
  readonly shared?: number;
}

/**
 * Cuts a batch into micro-batches of about as many tokens, longest sequences first; those of one family stay side by side,
 * because they share tokens. Long and short ones are kept apart: the grid of attention is as wide as the longest. The cut
 * depends on the sequences and the budget alone, so the gradient, summed in this order, has the same bits with any number
 * of workers.
 *
 * @param families what each sequence shares with others, such as its prompt; each is one of its own when absent
 */
export function cutMicroBatches(
  sizes: readonly SequenceSize[],
  budget: Budget,
  families: readonly unknown[] = [...sizes.keys()],
): MicroBatch[] {
  const order = familiesLongestFirst(
    sizes.map(({ length }) => length),
    families,
  );
  const size = (member: number): Required<SequenceSize> => {
    const { length, rows = 1, tokens = length, shared = 0 } = sizes[member] as SequenceSize;
    return { length, rows, tokens, shared };
  };
  /** Tokens that a sequence adds to the list behind another. */
  const added = (member: number, before: number | undefined): number => {
    const { tokens, shared } = size(member);
    return before !== undefined && families[before] === families[member] ? tokens - shared : tokens;
  };
  const all = order.reduce((sum, member, at) => sum + added(member, order[at - 1]), 0);
  const most = Math.min(budget.tokens, Math.max(fewTokens, all / parts));
  const count = Math.ceil(all / most);
  const wanted = all / (count > 1 ? 2 * Math.ceil(count / 2) : 1); // an even number, as cores are

  const microBatches: { tokens: number; readonly members: number[] }[] = [];
  let [passed, end, rows, longest] = [0, 0, 0, 0];
  for (const [at, member] of order.entries()) {
    const of = size(member);
    const current = microBatches.at(-1);
    const tokens = added(member, order[at - 1]);
    const width = Math.max(longest, of.length);
    const apart = width > shortLength && of.length < width / 2;
    const fits = (rows + of.rows) * gridLength(width) ** 2 <= budget.scores;
    const middle = passed + tokens / 2;
    if (current && middle <= end && fits && !apart) {
      current.members.push(member);
      current.tokens += tokens;
      rows += of.rows;
      longest = width;
    } else {
      microBatches.push({ tokens: of.tokens, members: [member] });
      [rows, longest] = [of.rows, of.length];
      end = (Math.floor(middle / wanted) + 1) * wanted;
    }
    passed += tokens;
  }
  return microBatches;
}

/** Indices by family, those with the longest sequence first, and within a family the longest first. */
function familiesLongestFirst(lengths: readonly number[], families: readonly unknown[]): number[] {
  const byLength = [...lengths.keys()].toSorted((a, b) => (lengths[b] as number) - (lengths[a] as number));
  return [...Map.groupBy(byLength, (index) => families[index]).values()].flat();
}
