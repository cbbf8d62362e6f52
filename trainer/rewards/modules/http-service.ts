import { EnvHttpProxyAgent, fetch, type Response } from 'undici';
import { z } from 'zod';
import type { RewardHttpSettings } from '../../contract/settings/own-functions.ts';
import { boundedBody } from '../services/bounded-body.ts';
import type { Score } from '../score.ts';

/** What a request came to instead of scores; said without what was sent. */
export class ServiceFailure extends Error {
  readonly because: 'timeout' | 'error';

  constructor(message: string, because: 'timeout' | 'error' = 'error', options?: ErrorOptions) {
    super(message, options);
    this.because = because;
  }
}

/** One that may be none the next time. */
export class PassingFailure extends ServiceFailure {}

/** An answer of no samples, and what each adds to it. */
const [mostBytes, mostBytesEach] = [2 ** 16, 2 ** 10];

const passing = new Set([408, 425, 429, 500, 502, 503, 504]);

const answer = z.object({
  scores: z.array(z.union([z.number(), z.null(), z.object({ error: z.string() })])),
});

type Address = Pick<RewardHttpSettings, 'url' | 'timeoutSeconds' | 'concurrency'>;

/** A service that scores, as docs/rewards.md says what it is asked and answers. */
export class HttpService {
  readonly #url: string;
  readonly #name: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #timeoutMs: number;
  /** Goes by HTTPS_PROXY and NO_PROXY. */
  readonly #agent: EnvHttpProxyAgent;

  /** @param token is sent and never told */
  constructor({ url, timeoutSeconds, concurrency }: Address, token: string | undefined) {
    const { origin, pathname } = new URL(url);
    this.#url = url;
    this.#name = `${origin}${pathname}`;
    this.#headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    this.#timeoutMs = timeoutSeconds * 1000;
    this.#agent = new EnvHttpProxyAgent({ connections: concurrency });
  }

  /**
   * The scores of some samples.
   *
   * @param samples each as JSON
   * @throws ServiceFailure if it gives none
   */
  async ask(samples: readonly string[], signal?: AbortSignal): Promise<readonly Score[]> {
    const within = AbortSignal.timeout(this.#timeoutMs);
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: this.#headers,
        body: `{"samples":[${samples.join(',')}]}`,
        redirect: 'manual', // the token is for this address alone
        dispatcher: this.#agent,
        signal: signal ? AbortSignal.any([signal, within]) : within,
      });
      if (!response.ok) throw this.#refusal(response);
      return this.#scores(await this.#bytes(response, mostBytes + samples.length * mostBytesEach), samples.length);
    } catch (error) {
      if (error instanceof ServiceFailure || signal?.aborted) throw error;
      if (within.aborted)
        throw new PassingFailure(`${this.#name}: no answer in ${this.#timeoutMs / 1000} s`, 'timeout');
      throw new PassingFailure(`${this.#name}: cannot be reached: ${causeOf(error)}`, 'error', { cause: error });
    }
  }

  close(): void {
    void this.#agent.destroy();
  }

  #refusal({ status, body }: Response): ServiceFailure {
    void body?.cancel();
    const message = `${this.#name}: answered ${status}; expected 200 with scores`;
    return passing.has(status) ? new PassingFailure(message) : new ServiceFailure(message);
  }

  async #bytes(response: Response, most: number): Promise<Buffer> {
    const body = await boundedBody(response, most);
    if (body === undefined) throw new ServiceFailure(`${this.#name}: answered more than ${most} bytes`);
    return body;
  }

  #scores(bytes: Buffer, count: number): readonly Score[] {
    const expected = '{"scores": […]} with a number, null or {"error": text} for each sample';
    const { data } = answer.safeParse(parsed(bytes));
    if (data === undefined) throw new ServiceFailure(`${this.#name}: answered something else; expected ${expected}`);
    const { scores } = data;
    if (scores.length !== count) {
      throw new ServiceFailure(
        `${this.#name}: answered ${scores.length} scores for ${count} samples; expected ${expected}`,
      );
    }
    return scores.map((score): Score => {
      if (score === null) return { because: 'abstain', message: 'it gave null' };
      return typeof score === 'number' ? score : { because: 'error', message: score.error.slice(0, 500) };
    });
  }
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** fetch says "fetch failed", and why in its cause. */
function causeOf(error: unknown): string {
  const { cause = error } = error as Error;
  const { code, message } = cause as NodeJS.ErrnoException;
  return code ?? message;
}
