import { zip } from '../algorithms/zip.ts';
import type { AnyTensor } from '../runtime/tensor.ts';
import { Batch } from './batch.ts';
import type { Decoder } from './decoder.ts';
import { blocksFor, type KvMemory } from './kv-cache.ts';
import { lengthBucket } from './lengths.ts';
import type { Completion, PromptGroup } from './requests.ts';
import type { Drawn, Sampler } from './sampler.ts';
import type { Sequence } from './sequence.ts';
import { type Start, Waiting } from './waiting.ts';

export interface GenerationOptions {
  readonly decoder: Decoder;
  readonly sampler: Sampler;
  /** With room for one sequence of the greatest length and a first block for each other sample of its group, at least. */
  readonly cache: KvMemory;
  /** Most sequences side by side; no group has more samples. */
  readonly rows: number;
  /** Most tokens of prompt and completion together. */
  readonly maxLength: number;
  /** Hands out the next group; undefined when there are no more. */
  readonly next: () => PromptGroup | undefined;
  /** Called with each token of a sample as it is drawn. */
  readonly onDrawn?: (index: number, drawn: Drawn) => void;
  readonly onCompletion: (index: number, completion: Completion) => void;
  /** Whether someone else has a sample's completion by now: it leaves the batch without one. */
  readonly isDone: (index: number) => boolean;
  /** Called between two runs of the model; ends the generation by throwing. */
  readonly throwIfUnwanted: () => void;
}

/**
 * Generates completions with continuous batching: sequences leave the batch when they end, and new ones join in their
 * place. A sequence's tokens and probabilities do not depend on the sequences beside it.
 *
 * The cache holds the tokens that there are, not those that there may be. When it is full the sequences that joined last leave; later they
 * join again, and their tokens so far are run through the model like a prompt, which gives the same bits.
 *
 * @throws DivergedError when the model's logits are not finite
 */
export async function generate(options: GenerationOptions): Promise<void> {
  const { decoder, sampler, cache, next, throwIfUnwanted } = options;
  const { pool } = cache;
  const batch = new Batch(cache);
  const waiting = new Waiting(next);
  /** Draws the next token of sequences from rows of distributions. @returns those for which it was not the last */
  const goingOn = async (
    probs: AnyTensor,
    rows: readonly { readonly row: number; readonly sequence: Sequence }[],
  ): Promise<ReadonlySet<Sequence>> => {
    const drawn = await sampler.draw(
      probs,
      rows.map(({ row, sequence }) => sequence.draw(row)),
    );
    const goOn = new Set<Sequence>();
    for (const [{ sequence }, token] of zip(rows, drawn)) {
      const completion = sequence.extend(token, options.maxLength);
      options.onDrawn?.(sequence.sample.index, token);
      if (completion === undefined) goOn.add(sequence);
      else options.onCompletion(sequence.sample.index, completion);
    }
    return goOn;
  };

  for (;;) {
    for (const run of prefillRuns(joining(waiting, batch, options))) {
      throwIfUnwanted();
      const prompts = run.map(({ ids }) => ({
        ids,
        blocks: Array.from({ length: blocksFor(ids.length) }, () => pool.take()),
      }));
      // oxlint-disable no-await-in-loop -- one run after the other
      const probs = await decoder.prefill(prompts);
      const goOn = await goingOn(
        probs,
        run.flatMap(({ sequences }, row) => sequences.map((sequence) => ({ row, sequence }))),
      );
      // oxlint-enable no-await-in-loop
      for (const [row, { sequences }] of run.entries()) {
        const blocks = prompts[row]?.blocks ?? [];
        for (const sequence of sequences) if (goOn.has(sequence)) batch.join(sequence, blocks);
        for (const block of blocks) pool.giveBack(block);
      }
    }
    for (const left of batch.makeRoom()) waiting.putBack(left);
    if (batch.rows.length === 0) {
      if (waiting.peek() === undefined) return;
      continue;
    }
    throwIfUnwanted();
    // oxlint-disable no-await-in-loop
    const probs = await decoder.step(batch.rows);
    const wanted = batch.rows.flatMap((sequence, row) =>
      options.isDone(sequence.sample.index) ? [] : [{ row, sequence }],
    );
    const goOn = await goingOn(probs, wanted);
    // oxlint-enable no-await-in-loop
    batch.keep((sequence) => goOn.has(sequence));
  }
}

/** Blocks for each sequence that are free when others join: it will need them before long, and would be thrown out again. */
const blocksAhead = 2;

/** Those who join now, taken from the ones that wait. */
function joining(waiting: Waiting, batch: Batch, { rows, cache }: GenerationOptions): Start[] {
  const starts: Start[] = [];
  let size = batch.rows.length;
  // A prompt for each sequence that ends would be a run for few rows: wait until a quarter of the batch is free.
  if (size > 0 && rows - size < rows / 4) return starts;
  let { free } = cache.pool;
  for (let first = waiting.peek(); first !== undefined; first = waiting.peek()) {
    const { ids, sequences } = first;
    const needed = blocksFor(ids.length) + sequences.length;
    const grown = size + sequences.length;
    if (grown > rows || (size > 0 && needed + blocksAhead * grown > free)) return starts;
    starts.push(first);
    waiting.shift();
    free -= needed;
    size = grown;
  }
  return starts;
}

/** Most prompt tokens, padding included, that one run takes, unless one prompt alone has more. */
export const prefillTokens = 2048;

/** Puts prompts of about the same length into one run; groups with the same array of ids share a prompt. */
function prefillRuns(starts: readonly Start[]): Start[][] {
  const runs: { readonly length: number; readonly prompts: Map<readonly number[], Sequence[]> }[] = [];
  for (const { ids, sequences } of starts) {
    const length = lengthBucket(ids.length);
    const run = runs.findLast((open) => open.length === length);
    const sharing = run?.prompts.get(ids);
    if (sharing) sharing.push(...sequences);
    else if (run && (run.prompts.size + 1) * length <= prefillTokens) run.prompts.set(ids, [...sequences]);
    else runs.push({ length, prompts: new Map([[ids, [...sequences]]]) });
  }
  return runs.map(({ prompts }) => Array.from(prompts, ([ids, sequences]) => ({ ids, sequences })));
}
