import pRetry, { type Options as RetryOptions } from 'p-retry';
import { zip } from '../../algorithms/zip.ts';
import { InterruptedError, UnavailableError, UserError } from '../../contract/process/errors.ts';
import type { RewardHttpSettings } from '../../contract/settings/own-functions.ts';
import { accessToken } from '../services/access-token.ts';
import { HttpService, PassingFailure, ServiceFailure } from './http-service.ts';
import type { Sample } from './protocol.ts';
import type { Score, Unscored } from '../score.ts';

/** One request with its completions holds so many characters, unless it has one completion. */
const mostCharacters = 8 * 2 ** 20;

/** After so many lost batches in one rollout the rest of it is not tried: a rollout ends, whatever the service does. */
const mostLost = 3;

const patience: RetryOptions = { retries: 3, minTimeout: 1000, maxTimeout: 10_000, randomize: true };
/** Of whoever needs all scores: up to a minute, since the attempt ends with it. */
const longPatience = { ...patience, retries: 5 };

export type HttpRewardSettings = Omit<RewardHttpSettings, 'weight' | 'domains' | 'lastSteps'>;

export interface HttpRewardOptions {
  /** Ends a rollout that is being scored with an InterruptedError. */
  readonly signal?: AbortSignal;
  /** After how long what failed is tried again. */
  readonly retry?: RetryOptions;
}

/** Whether the attempt ends where a service was not there for a part. */
export type Needs = 'all' | 'some';

interface Batch {
  /** Place of its first sample. */
  readonly start: number;
  /** As JSON. */
  readonly samples: readonly string[];
}

/** A reward that a service computes. */
export class HttpReward {
  readonly columns: readonly string[] = [];
  readonly #service: HttpService;
  readonly #settings: HttpRewardSettings;
  readonly #options: HttpRewardOptions;

  private constructor(settings: HttpRewardSettings, options: HttpRewardOptions) {
    this.#service = new HttpService(settings, settings.token && accessToken(settings.url, settings.token.variable));
    this.#settings = settings;
    this.#options = options;
  }

  /**
   * Asks the service for the scores of nothing, so that what is wrong with it is known before the first rollout.
   *
   * @throws UserError if there is no token, or the service does not take what it is given
   * @throws UnavailableError if it does not answer
   */
  static async open(settings: HttpRewardSettings, options: HttpRewardOptions = {}): Promise<HttpReward> {
    const reward = new HttpReward(settings, options);
    try {
      await reward.#ask([]);
      return reward;
    } catch (error) {
      reward.close();
      if (error instanceof PassingFailure) throw new UnavailableError(error.message, { cause: error });
      throw error instanceof ServiceFailure ? new UserError(error.message, { cause: error }) : error;
    }
  }

  /**
   * A score for each sample, in their order.
   *
   * @param needs `all` of who keeps or compares what is scored: what an outage left would be a part that the outage chose
   * @throws UnavailableError if the service was not there: for no batch, or for one where all are needed
   */
  async score(samples: readonly Sample[], needs: Needs = 'some'): Promise<readonly Score[]> {
    const batches = inBatches(samples, this.#settings.batch);
    const scores: Score[] = samples.map(() => notTried);
    const failures: ServiceFailure[] = [];
    const queue = [...batches];
    const lane = async (): Promise<void> => {
      for (let batch = queue.shift(); batch !== undefined; batch = queue.shift()) {
        const { start, samples: parts } = batch;
        // oxlint-disable-next-line no-await-in-loop -- the lanes bound how many are asked at a time
        const found =
          failures.length < mostLost ? await this.#scoresOf(parts, failures, needs) : parts.map(() => notTried);
        found.forEach((score, index) => (scores[start + index] = score));
      }
    };
    await Promise.all(Array.from({ length: Math.min(this.#settings.concurrency, batches.length) }, lane));
    const away = failures.filter((failure) => failure instanceof PassingFailure);
    const [first] = away;
    const isNothingScored = scores.every((score) => typeof score === 'object' && score.because !== 'abstain');
    if (first !== undefined && (needs === 'all' || (isNothingScored && away.length === failures.length))) {
      throw new UnavailableError(first.message, { cause: first });
    }
    return scores;
  }

  close(): void {
    this.#service.close();
  }

  async #scoresOf(samples: readonly string[], failures: ServiceFailure[], needs: Needs): Promise<readonly Score[]> {
    try {
      return await this.#ask(samples, needs === 'all' ? longPatience : patience);
    } catch (error) {
      if (!(error instanceof ServiceFailure)) throw error;
      failures.push(error);
      const { because, message } = error;
      return samples.map((): Unscored => ({ because, message }));
    }
  }

  async #ask(samples: readonly string[], usual: RetryOptions = patience): Promise<readonly Score[]> {
    const { signal, retry = usual } = this.#options;
    try {
      return await pRetry(() => this.#service.ask(samples, signal), {
        ...retry,
        ...(signal && { signal }),
        shouldRetry: ({ error }) => error instanceof PassingFailure,
      });
    } catch (error) {
      if (signal?.aborted) throw new InterruptedError('asked to stop while a reward was computed', { cause: error });
      throw error;
    }
  }
}

const notTried: Unscored = { because: 'error', message: `after ${mostLost} lost requests the rest was not tried` };

/** @param most samples in one */
function inBatches(samples: readonly Sample[], most: number): Batch[] {
  const batches: { start: number; samples: string[] }[] = [];
  let characters = 0;
  for (const [index, text] of zip(
    [...samples.keys()],
    samples.map((sample) => JSON.stringify(sample)),
  )) {
    const last = batches.at(-1);
    if (last === undefined || last.samples.length === most || characters + text.length > mostCharacters) {
      batches.push({ start: index, samples: [text] });
      characters = text.length;
    } else {
      last.samples.push(text);
      characters += text.length;
    }
  }
  return batches;
}
