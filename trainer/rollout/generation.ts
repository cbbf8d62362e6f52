import { uniform } from '../algorithms/random.ts';
import type { RandomKey } from '../algorithms/random.ts';
import { DivergedError } from '../contract/errors.ts';
import type { Decoder, Prefill } from './decoder.ts';
import type { KvCache } from './kv-cache.ts';
import { cacheWidth, lengthBucket } from './lengths.ts';
import { chooseToken } from './sampling.ts';
import type { TokenSampling } from './sampling.ts';
import { type Stops, StopWatch } from './stop-watch.ts';

/** How one completion is sampled. */
export interface CompletionSampling extends TokenSampling {
  readonly maxNewTokens: number;
}

/** Completions wanted of one prompt, which is run through the model once for all of them. */
export interface PromptGroup {
  readonly promptIds: readonly number[];
  readonly samples: readonly Sample[];
}

/** One completion wanted. */
export interface GenerationRequest extends Stops {
  readonly promptIds: readonly number[];
  /** Token t is drawn with the key's uniform number t. */
  readonly key: RandomKey;
  readonly sampling: CompletionSampling;
}

export interface Sample extends Omit<GenerationRequest, 'promptIds'> {
  /** Place in the caller's list. */
  readonly index: number;
}

export interface Completion {
  /** With the stop token, or the one that completed a stop text, where `finish` is 'stop'. */
  readonly tokenIds: number[];
  /** Probability of each token at the sampling temperature (1 where greedy), before top-k and top-p. */
  readonly probs: Float32Array;
  readonly finish: 'stop' | 'length';
}

export interface GenerationOptions {
  readonly decoder: Decoder;
  readonly cache: KvCache;
  /** Most sequences side by side; no group has more samples. */
  readonly rows: number;
  /** Most tokens of prompt and completion together. */
  readonly maxLength: number;
  /** Hands out the next group; undefined when there are no more. */
  readonly next: () => PromptGroup | undefined;
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
 * @throws DivergedError when the model's logits are not finite
 */
export async function generate(options: GenerationOptions): Promise<void> {
  const { decoder, rows, next, throwIfUnwanted } = options;
  const batch = new Batch(options);
  let waiting = next();
  while (waiting !== undefined || batch.size > 0) {
    const joining: PromptGroup[] = [];
    let free = rows - batch.size;
    // A prompt for each sequence that ends would be a run for few rows: wait until a quarter of the batch is free.
    if (free >= rows / 4 || batch.size === 0) {
      while (waiting !== undefined && waiting.samples.length <= free) {
        joining.push(waiting);
        free -= waiting.samples.length;
        waiting = next();
      }
    }
    for (const { length, prompts } of prefillRuns(joining)) {
      throwIfUnwanted();
      const prefill = await decoder.prefill([...prompts.keys()], length);
      for (const [prompt, groups] of [...prompts.values()].entries()) {
        for (const group of groups) batch.join(group, prefill, prompt);
      }
    }
    if (batch.size === 0) continue;

    throwIfUnwanted();
    batch.fitWidth();
    batch.advance(await decoder.step(batch.ids, batch.positions, batch.size));
  }
}

/** Most prompt tokens, padding included, that one run takes. */
const prefillTokens = 2048;

/** Prompts that are run together, padded to `length`, with the groups that share each. */
interface PrefillRun {
  readonly length: number;
  readonly prompts: Map<readonly number[], PromptGroup[]>;
}

/** Puts prompts of about the same length into one run; groups with the same array of ids share a prompt. */
function prefillRuns(groups: readonly PromptGroup[]): PrefillRun[] {
  const runs: PrefillRun[] = [];
  for (const group of groups) {
    const length = lengthBucket(group.promptIds.length);
    const run = runs.findLast((open) => open.length === length);
    const sharing = run?.prompts.get(group.promptIds);
    if (sharing) sharing.push(group);
    else if (run && (run.prompts.size + 1) * length <= prefillTokens) run.prompts.set(group.promptIds, [group]);
    else runs.push({ length, prompts: new Map([[group.promptIds, [group]]]) });
  }
  return runs;
}

interface Sequence {
  readonly sample: Sample;
  readonly promptLength: number;
  readonly tokenIds: number[];
  readonly probs: number[];
  readonly stop: StopWatch;
}

/** The sequences side by side, one row each. */
class Batch {
  /** Last token of each row and its position: what the next step runs. */
  readonly ids: Int32Array;
  readonly positions: Int32Array;
  readonly #rows: Sequence[] = [];
  readonly #vocabularySize: number;
  readonly #cache: KvCache;
  readonly #maxLength: number;
  readonly #onCompletion: GenerationOptions['onCompletion'];
  readonly #isDone: GenerationOptions['isDone'];

  constructor({ decoder, rows, cache, maxLength, onCompletion, isDone }: GenerationOptions) {
    this.#vocabularySize = decoder.vocabularySize;
    this.ids = new Int32Array(rows);
    this.positions = new Int32Array(rows);
    this.#cache = cache;
    this.#maxLength = maxLength;
    this.#onCompletion = onCompletion;
    this.#isDone = isDone;
  }

  get size(): number {
    return this.#rows.length;
  }

  /** Draws the first token of every sample of a group; those that go on get a row. */
  join({ promptIds, samples }: PromptGroup, prefill: Prefill, prompt: number): void {
    const probs = rowOf(prefill.probs, prompt, this.#vocabularySize);
    for (const sample of samples) {
      const stop = new StopWatch(sample);
      const sequence = { sample, promptLength: promptIds.length, tokenIds: [], probs: [], stop };
      if (!this.#extend(sequence, probs)) continue;
      const row = this.#rows.push(sequence) - 1;
      if (this.#cache.width < prefill.length) this.#cache.setWidth(prefill.length, row);
      for (const [layer, values] of prefill.layers.entries()) {
        this.#cache.writePrompt(layer, row, values, prompt, prefill.length, promptIds.length);
      }
      this.#place(row);
    }
  }

  /** Gives the cache room for the next step. */
  fitWidth(): void {
    let needed = 0;
    for (let row = 0; row < this.size; row++) needed = Math.max(needed, (this.positions[row] as number) + 1);
    const width = cacheWidth(needed);
    if (width > this.#cache.width || 2 * width <= this.#cache.width) this.#cache.setWidth(width, this.size);
  }

  /** Draws the next token of every row; sequences that end leave. */
  advance(probs: Float32Array): void {
    for (let row = this.size - 1; row >= 0; row--) {
      const sequence = this.#rows[row] as Sequence;
      const goesOn =
        !this.#isDone(sequence.sample.index) && this.#extend(sequence, rowOf(probs, row, this.#vocabularySize));
      if (goesOn) this.#place(row);
      else this.#leave(row);
    }
  }

  /** Adds a token; reports the completion and returns false where it was the last. */
  #extend(sequence: Sequence, row: Float32Array): boolean {
    const { sample, promptLength, tokenIds, probs, stop } = sequence;
    const { key, sampling, index } = sample;
    const token = chooseToken(row, sampling, uniform(key, tokenIds.length));
    const prob = row[token];
    // A softmax over a logit that is not finite is NaN for every token, so the chosen one tells.
    if (!Number.isFinite(prob))
      throw new DivergedError(
        `sampling: the logits after ${promptLength + tokenIds.length} tokens are not finite; expected finite ones`,
      );
    tokenIds.push(token);
    probs.push(prob as number);
    const stopped = stop.endsWith(token);
    const limit = Math.min(sampling.maxNewTokens, this.#maxLength - promptLength);
    if (!stopped && tokenIds.length < limit) return true;
    this.#onCompletion(index, { tokenIds, probs: Float32Array.from(probs), finish: stopped ? 'stop' : 'length' });
    return false;
  }

  #place(row: number): void {
    const { tokenIds, promptLength } = this.#rows[row] as Sequence;
    this.ids[row] = tokenIds.at(-1) as number;
    this.positions[row] = promptLength + tokenIds.length - 1;
  }

  /** The last row takes the place of `row`. */
  #leave(row: number): void {
    const last = this.#rows.pop() as Sequence;
    if (row === this.size) return;
    this.#rows[row] = last;
    this.#cache.copyRow(this.size, row);
    this.#place(row);
  }
}

function rowOf(probs: Float32Array, row: number, vocabularySize: number): Float32Array {
  return probs.subarray(row * vocabularySize, (row + 1) * vocabularySize);
}
