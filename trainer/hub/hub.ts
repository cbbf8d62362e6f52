import { open, stat } from 'node:fs/promises';
import { downloadFile, HubApiError, listFiles, type ListFileEntry, modelInfo } from '@huggingface/hub';
import pRetry, { AbortError, type Options as RetryOptions } from 'p-retry';
import { UnavailableError, UserError } from '../contract/process/errors.ts';
import { isDiskFull } from '../contract/process/full-disk.ts';
import { fileProblem } from './file-problem.ts';

export interface ModelOnHub {
  readonly repo: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

export interface HubOptions {
  /** Such as https://huggingface.co. */
  readonly endpoint: URL;
  readonly token?: string | undefined;
  /** Host of the proxy that requests may go by; said where nobody answers. */
  readonly proxy?: string | undefined;
  readonly signal: AbortSignal;
  /** After how long what failed is tried again. */
  readonly retry?: RetryOptions;
}

/** Whoever waits for a model hears soon of a Hub that nobody can reach, and not after the patience for one that breaks off. */
const firstAnswerMs = 12_000;
/** Later nothing is begun: looking up a name holds the process for ten seconds, whoever still waits for it. */
const lastTryMs = 8000;
/** One that is silent for longer will not answer this request. */
const answerMs = 30_000;
const patience: RetryOptions = { retries: 7, minTimeout: 1000, maxTimeout: 30_000, randomize: true };

/**
 * A model on a Hub. What fails for a reason that passes is tried again for about two minutes, once the Hub has answered.
 *
 * Every method throws UserError when the Hub has no such model for us, and UnavailableError when it cannot be reached.
 */
export class Hub {
  readonly #model: ModelOnHub;
  readonly #options: HubOptions;

  constructor(model: ModelOnHub, options: HubOptions) {
    this.#model = model;
    this.#options = options;
  }

  /** Settles once the Hub answers at all, whatever it says. */
  async reach(): Promise<void> {
    const { endpoint, proxy, signal, retry = patience } = this.#options;
    const within = AbortSignal.any([signal, AbortSignal.timeout(firstAnswerMs)]);
    let found = `no answer in ${firstAnswerMs / 1000} s`;
    const ask = async (): Promise<void> => {
      try {
        await this.#fetch(endpoint, { method: 'HEAD', redirect: 'manual', signal: within });
      } catch (error) {
        if (!within.aborted) found = messageOf(error);
        throw new PassingError(found);
      }
    };
    try {
      await pRetry(ask, { ...retry, maxTimeout: 2000, maxRetryTime: lastTryMs, signal: within });
    } catch (error) {
      signal.throwIfAborted();
      const between = [
        'DNS',
        'firewalls',
        ...(proxy === undefined ? [] : [`the proxy ${proxy}`]),
        'HTTPS_PROXY, NO_PROXY',
      ];
      throw new UnavailableError(
        `${this.#name}: ${endpoint.origin} cannot be reached: ${found}; check HF_ENDPOINT, and what lies between: ${between.join(', ')}`,
        { cause: error },
      );
    }
  }

  /** The commit that the revision names now: a branch may move while it is read. */
  async commit(): Promise<string> {
    const { repo, revision } = this.#model;
    const { sha } = await this.#retrying(() =>
      modelInfo({ ...this.#common, name: repo, revision, additionalFields: ['sha'] }),
    );
    return sha;
  }

  /** Files at the top of the repository. */
  async files(commit: string): Promise<ListFileEntry[]> {
    const entries = await this.#retrying(() =>
      Array.fromAsync(listFiles({ ...this.#common, repo: this.#repo, revision: commit })),
    );
    return entries.filter(({ type }) => type === 'file');
  }

  /**
   * Downloads a file and verifies it. What is there of it already is kept, if it is the beginning of the file.
   *
   * @throws DiskFullError
   */
  async download(commit: string, file: ListFileEntry, path: string): Promise<void> {
    let had = await sizeOf(path);
    const attempt = async (): Promise<void> => {
      await this.#append(commit, file, path);
      const problem = await fileProblem(path, file);
      if (problem === undefined) return;
      await using handle = await open(path, 'w'); // begun anew
      await handle.sync();
      throw new Error(`${file.path}: ${problem}`);
    };
    await this.#retrying(attempt, async () => {
      const has = await sizeOf(path);
      const stuck = has <= had;
      had = has;
      return stuck;
    });
  }

  async #append(commit: string, file: ListFileEntry, path: string): Promise<void> {
    await using handle = await open(path, 'a');
    const { size } = await handle.stat();
    if (size >= file.size) return;
    const blob = await downloadFile({ ...this.#common, repo: this.#repo, revision: commit, path: file.path });
    if (blob === null) throw new UserError(`${this.#name}: the file ${file.path} is listed, but not there`);
    const rest = size === 0 ? blob : blob.slice(size);
    for await (const chunk of rest.stream()) {
      this.#options.signal.throwIfAborted();
      await handle.writeFile(chunk);
    }
    await handle.sync();
  }

  get #repo() {
    return { type: 'model' as const, name: this.#model.repo };
  }

  get #name(): string {
    return `model ${this.#model.repo} at revision ${this.#model.revision}`;
  }

  get #common() {
    return { hubUrl: this.#options.endpoint.href.replace(/\/+$/, ''), fetch: this.#fetch };
  }

  /**
   * Shows the token to the Hub alone, never to the servers that it sends us to. The library would do that, too, but
   * takes only tokens of huggingface.co.
   */
  readonly #fetch: typeof fetch = (input, init) => {
    const { endpoint, token, signal } = this.#options;
    const headers = new Headers(init?.headers);
    const { origin } = new URL(input instanceof Request ? input.url : input);
    if (token !== undefined && origin === endpoint.origin) headers.set('authorization', `Bearer ${token}`);
    const silent = new AbortController();
    const signals = [signal, silent.signal, ...(init?.signal ? [init.signal] : [])];
    const silence = new Error(`${origin} did not answer in ${answerMs / 1000} s`);
    const timer = setTimeout(() => silent.abort(silence), answerMs);
    return fetch(input, { ...init, headers, signal: AbortSignal.any(signals) }).finally(() => clearTimeout(timer));
  };

  /** @param stuck whether a failed attempt came no further than the one before; only those count */
  async #retrying<T>(attempt: () => Promise<T>, stuck: () => Promise<boolean> = async () => true): Promise<T> {
    const { signal, retry = patience } = this.#options;
    const once = async (): Promise<T> => {
      try {
        return await attempt();
      } catch (error) {
        throw this.#judged(error);
      }
    };
    try {
      return await pRetry(once, { ...retry, signal, shouldConsumeRetry: stuck });
    } catch (error) {
      if (!(error instanceof PassingError)) throw error;
      throw new UnavailableError(`${this.#name}: ${error.message}`, { cause: error });
    }
  }

  /** An error that ends the attempts, or one after which another attempt may help. */
  #judged(error: unknown): Error {
    const { endpoint, token, signal } = this.#options;
    if (signal.aborted || error instanceof UserError || isDiskFull(error)) return new AbortError(error as Error);
    const status = error instanceof HubApiError ? error.statusCode : undefined;
    if (status !== undefined && [400, 401, 403, 404].includes(status)) {
      const given = token === undefined ? 'no token was given' : 'a token was given';
      const said = (error as HubApiError).message;
      return new AbortError(
        new UserError(`${this.#name}: ${endpoint.origin} answered ${status}; ${given}: ${said}`, { cause: error }),
      );
    }
    return new PassingError(messageOf(error), { cause: error });
  }
}

/** Not a TypeError, which p-retry would take for a bug. */
class PassingError extends Error {}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

/** `fetch failed` says nothing, its cause does; a stream of the library fails with a mere text. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  // Of a host with several addresses the errors are in a list, under an error without words.
  const of = cause instanceof AggregateError ? ((cause.errors[0] as Error | undefined) ?? cause) : cause;
  return `${error.message}: ${of.message}`;
}
