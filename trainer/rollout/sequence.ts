import { uniform } from '../algorithms/random.ts';
import { DivergedError } from '../contract/process/errors.ts';
import type { Completion, Sample } from './requests.ts';
import type { Draw, Drawn } from './sampler.ts';
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

  /** How the next token is drawn. @param row of the distributions that the model gives */
  draw(row: number): Draw {
    const { key, sampling } = this.sample;
    return { row, sampling, u: uniform(key, this.#tokenIds.length) };
  }

  /**
   * Adds the next token.
   *
   * @param maxLength most tokens of prompt and completion together
   * @returns the completion, where this token was its last
   * @throws DivergedError when the logits were not finite
   */
  extend({ token, prob }: Drawn, maxLength: number): Completion | undefined {
    const { sampling } = this.sample;
    const [tokenIds, probs] = [this.#tokenIds, this.#probs];
    // A softmax over a logit that is not finite is NaN for every token, so the chosen one tells.
    if (!Number.isFinite(prob))
      throw new DivergedError(
        `sampling: the logits after ${this.position + 1} tokens are not finite; expected finite ones`,
      );
    tokenIds.push(token);
    probs.push(prob);
    const stopped = this.#stop.endsWith(token);
    const limit = Math.min(sampling.maxNewTokens, maxLength - this.promptIds.length);
    if (!stopped && tokenIds.length < limit) return undefined;
    return { tokenIds, probs: Float32Array.from(probs), finish: stopped ? 'stop' : 'length' };
  }
}
