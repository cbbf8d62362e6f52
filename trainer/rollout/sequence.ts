import { uniform } from '../algorithms/random.ts';
import { DivergedError } from '../contract/errors.ts';
import type { Completion, Sample } from './requests.ts';
import { chooseToken } from './sampling.ts';
import { StopWatch } from './stop-watch.ts';

/** A completion that is being sampled. */
export class Sequence {
  readonly sample: Sample;
  readonly promptIds: readonly number[];
  /** Blocks of the cache, in the order of the positions. */
  readonly blocks: number[] = [];
  readonly #tokenIds: number[] = [];
  readonly #probs: number[] = [];
  readonly #stop: StopWatch;

  constructor(sample: Sample, promptIds: readonly number[]) {
    this.sample = sample;
    this.promptIds = promptIds;
    this.#stop = new StopWatch(sample);
  }

  /** Prompt and completion so far. */
  get ids(): readonly number[] {
    return [...this.promptIds, ...this.#tokenIds];
  }

  /** The newest token, and where it stands. */
  get token(): number {
    return this.#tokenIds.at(-1) as number;
  }

  get position(): number {
    return this.promptIds.length + this.#tokenIds.length - 1;
  }

  /**
   * Draws the next token.
   *
   * @param row [V] the distribution it is drawn from
   * @param maxLength most tokens of prompt and completion together
   * @returns the completion, where this token was its last
   * @throws DivergedError when the logits were not finite
   */
  extend(row: Float32Array, maxLength: number): Completion | undefined {
    const { key, sampling } = this.sample;
    const [tokenIds, probs] = [this.#tokenIds, this.#probs];
    const token = chooseToken(row, sampling, uniform(key, tokenIds.length));
    const prob = row[token];
    // A softmax over a logit that is not finite is NaN for every token, so the chosen one tells.
    if (!Number.isFinite(prob))
      throw new DivergedError(
        `sampling: the logits after ${this.position + 1} tokens are not finite; expected finite ones`,
      );
    tokenIds.push(token);
    probs.push(prob as number);
    const stopped = this.#stop.endsWith(token);
    const limit = Math.min(sampling.maxNewTokens, maxLength - this.promptIds.length);
    if (!stopped && tokenIds.length < limit) return undefined;
    return { tokenIds, probs: Float32Array.from(probs), finish: stopped ? 'stop' : 'length' };
  }
}
