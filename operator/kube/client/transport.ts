import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { ApiError, ConnectionError } from './api-error.ts';
import { type ClusterConfig, Credentials } from './credentials.ts';

export const product = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  readonly name: string;
  readonly version: string;
};

type Body = Dispatcher.ResponseData['body'];

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Without the server and without a query, such as `/api/v1/namespaces/team/pods`. */
  readonly path: string;
  readonly query?: Query | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly contentType?: string;
  readonly signal?: AbortSignal | undefined;
  /** Of one try, until the answer is complete. */
  readonly timeoutMs?: number | undefined;
}

/** One request as it went over the wire. */
export interface RequestRecord {
  readonly method: string;
  readonly path: string;
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  readonly ms: number;
  readonly watch: boolean;
}

export interface TransportOptions {
  /** Name in the User-Agent and owner of the fields that are written; absent: this package's. */
  readonly name?: string;
  /** Called for every try of every request once its status is known. */
  readonly onRequest?: ((request: RequestRecord) => void) | undefined;
  /** Asked just before each write goes out, which fails when the answer is no. */
  readonly mayWrite?: () => boolean;
  /** Wait before the first repetition of a read; doubles with each. */
  readonly retryMs?: number;
}

const tries = 5;
const longestRetryMs = 10_000;
const defaultTimeoutMs = 30_000;

/**
 * Requests to an API server. Reads are repeated after a lost connection, 429 and 5xx; writes only after a 429, which says
 * that nothing was done: whoever wrote must look again before writing again. Throws ApiError and ConnectionError.
 */
export class Transport {
  private readonly credentials: Credentials;
  private readonly options: TransportOptions;
  readonly name: string;

  constructor(config: ClusterConfig, options: TransportOptions = {}) {
    this.options = options;
    this.credentials = new Credentials(config, (method) => method === 'GET' || options.mayWrite?.() !== false);
    this.name = options.name ?? product.name;
  }

  async request<T>(request: ApiRequest): Promise<T> {
    return JSON.parse(await this.requestText(request)) as T;
  }

  /** The body as it came. */
  async requestText(request: ApiRequest): Promise<string> {
    const timeoutMs = request.timeoutMs ?? defaultTimeoutMs;
    for (let attempt = 1; ; attempt++) {
      try {
        return await within(timeoutMs, request.signal, (signal) => this.send(request, signal, (body) => body.text()));
      } catch (error) {
        const waitMs = this.retryAfter(error, request, attempt);
        if (waitMs === undefined) throw error;
        await sleep(waitMs, undefined, { signal: request.signal });
      }
    }
  }

  /** Follows an answer that has no end of its own: a watch, or `pods/log` with `follow`. The signal ends it. */
  async stream(path: string, query: Query, signal: AbortSignal, timeoutMs = defaultTimeoutMs): Promise<Readable> {
    const request: ApiRequest = { method: 'GET', path, query, signal };
    return within(timeoutMs, signal, (either) => this.send(request, either, async (body) => body));
  }

  /** Drops all connections; what is under way fails. */
  async close(): Promise<void> {
    await this.credentials.close();
  }

  private async send<T>(request: ApiRequest, signal: AbortSignal, read: (body: Body) => Promise<T>): Promise<T> {
    const { method, path, query } = request;
    const startedAt = performance.now();
    const answer = { status: 0 };
    try {
      return await orAborted(signal, this.exchange(request, signal, read, answer));
    } catch (error) {
      if (error instanceof ApiError || request.signal?.aborted === true) throw error;
      throw new ConnectionError(`${method} ${path}: ${words(error)}`, error);
    } finally {
      const ms = performance.now() - startedAt;
      this.options.onRequest?.({ method, path, status: answer.status, ms, watch: query?.['watch'] === true });
    }
  }

  private async exchange<T>(
    { method, path, query, body, contentType = 'application/json' }: ApiRequest,
    signal: AbortSignal,
    read: (body: Body) => Promise<T>,
    answer: { status: number },
  ): Promise<T> {
    const { dispatcher, headers } = await this.credentials.get();
    const { server } = this.credentials;
    const response = await dispatcher.request({
      origin: server.origin,
      path: `${server.pathname.replace(/\/$/, '')}${path}${queryString(query)}`,
      method,
      headers: {
        ...headers,
        accept: 'application/json',
        'user-agent': `${this.name}/${product.version}`,
        ...(body === undefined ? {} : { 'content-type': contentType }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal,
      // The signal has the only clock. A watch may be silent for as long as its reader likes.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const status = response.statusCode;
    answer.status = status;
    if (status === 401) this.credentials.refused();
    if (status < 400) return read(response.body);
    const retryAfter = response.headers['retry-after'];
    const text = await response.body.text();
    throw ApiError.fromResponse(
      `${method} ${path}`,
      status,
      text,
      typeof retryAfter === 'string' ? retryAfter : undefined,
    );
  }

  /** Milliseconds to wait before asking again; undefined when asking again is not for the client. */
  private retryAfter(error: unknown, { method, signal }: ApiRequest, attempt: number): number | undefined {
    if (attempt >= tries || signal?.aborted === true) return undefined;
    const status = error instanceof ApiError ? error.status : 0;
    const isRead = method === 'GET';
    const mayRepeat =
      status === 429 ||
      (isRead && (error instanceof ConnectionError || status >= 500 || (status === 401 && attempt === 1)));
    if (!mayRepeat) return undefined;
    const backoffMs = (this.options.retryMs ?? 200) * 2 ** (attempt - 1) * (0.5 + Math.random());
    const asked = error instanceof ApiError ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
    return Math.min(Math.max(backoffMs, asked), longestRetryMs);
  }
}

/** Gives a signal that aborts with `outer`, or when the time is up before `run` has settled. */
async function within<T>(
  timeoutMs: number,
  outer: AbortSignal | undefined,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    return await run(outer === undefined ? late.signal : AbortSignal.any([outer, late.signal]));
  } finally {
    clearTimeout(timer);
  }
}

/** Undici notices an abort only once it has a connection, and a handshake may hang for long. */
async function orAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const listener = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', listener);
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', listener);
  }
}

function queryString(query: Query = {}): string {
  const entries = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  return entries.length === 0 ? '' : `?${new URLSearchParams(entries).toString()}`;
}

/** Aggregated errors of both IP families have no message of their own. */
function words(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(words).join('; ');
  return error instanceof Error ? error.message || error.name : String(error);
}
