import { setTimeout as sleep } from 'node:timers/promises';
import pRetry, { AbortError, type Options as RetryOptions } from 'p-retry';
import { EnvHttpProxyAgent, fetch, type Response } from 'undici';
import { z } from 'zod';
import { InterruptedError, UnavailableError, UserError } from '../../contract/process/errors.ts';
import { boundedBody } from '../services/bounded-body.ts';
import type { Reply } from './judge.ts';

export interface ChatPatience {
  /** Ends all waiting. */
  readonly signal: AbortSignal;
  /** Six tries within about a minute when absent. */
  readonly retry?: Pick<RetryOptions, 'retries' | 'minTimeout' | 'factor'>;
}

export interface ChatClient extends ChatPatience {
  /** Without /chat/completions. */
  readonly url: string;
  readonly token: string | undefined;
  /** Where the token comes from, for messages. */
  readonly tokenVariable: string | undefined;
  readonly timeoutMs: number;
}

const chatCompletion = z.object({
  choices: z.array(z.object({ message: z.object({ content: z.string().nullish() }) })).min(1),
  usage: z.object({ total_tokens: z.int().min(0) }).nullish(),
});

const errorAnswer = z.object({ error: z.union([z.string(), z.object({ message: z.string() })]) });

/** Goes by HTTPS_PROXY and NO_PROXY. */
const agent = new EnvHttpProxyAgent();

const patience = { retries: 5, minTimeout: 1000, factor: 2 };
const mostBytes = 1024 * 1024;
/** A server that asks for more is asked again as if it had not said so. */
const longestRetryAfterMs = 60_000;
/** The request itself is at fault, and not what is sent with all of them. */
const refusals: readonly number[] = [400, 413, 422];

/**
 * Sends a request to `/chat/completions`, again with back-off where that may help.
 *
 * @throws UserError for a server that will never answer: another key, path or model
 * @throws UnavailableError for one that does not answer now
 * @throws InterruptedError
 */
export async function completeChat(body: object, client: ChatClient): Promise<Reply> {
  const { url, signal, retry = patience } = client;
  try {
    return await pRetry(() => once(body, client), { ...retry, randomize: true, signal });
  } catch (error) {
    if (signal.aborted) throw new InterruptedError('asked to stop');
    if (error instanceof UserError) throw error;
    throw new UnavailableError(`judge ${url}: ${(error as Error).message}`, { cause: error });
  }
}

async function once(body: object, { url, token, tokenVariable, timeoutMs, signal }: ChatClient): Promise<Reply> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const text = JSON.stringify(body);
  const response = await passing(() =>
    fetch(`${url.replace(/\/+$/, '')}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      body: text,
      dispatcher: agent,
      redirect: 'manual', // the key is for this server alone
      signal: within,
    }),
  );
  const answer = await passing(() => readText(response));
  if (response.ok) return replyOf(answer, text);
  const said = withoutToken(messageOf(answer), token);
  const { status } = response;
  if (refusals.includes(status)) return { text: '', refused: `${status}: ${said}`, tokens: 0 };
  if (status < 400 || [401, 403, 404].includes(status)) {
    const key = tokenVariable === undefined ? 'without a token' : `with the token of ${tokenVariable}`;
    throw new AbortError(new UserError(`judge ${url}: answered ${status}, ${key}: ${said}`));
  }
  await sleep(retryAfterMs(response), undefined, { signal });
  throw new PassingError(`answered ${status}: ${said}`);
}

function replyOf(answer: string, asked: string): Reply {
  const { data } = chatCompletion.safeParse(jsonOf(answer));
  if (data === undefined) throw new PassingError(`answered no chat completion: ${answer.slice(0, 200)}`);
  const text = data.choices[0]?.message.content ?? '';
  // Of a server that does not count, a token for every four characters.
  const tokens = data.usage?.total_tokens ?? Math.ceil((asked.length + text.length) / 4);
  return { text, tokens };
}

async function readText(response: Response): Promise<string> {
  const body = await boundedBody(response, mostBytes);
  if (body === undefined) throw new Error(`answered more than ${mostBytes} bytes`);
  return body.toString('utf8');
}

function retryAfterMs({ headers }: Response): number {
  const ms = Number(headers.get('retry-after') ?? 0) * 1000;
  return ms > 0 && ms <= longestRetryAfterMs ? ms : 0;
}

function messageOf(answer: string): string {
  const { data } = errorAnswer.safeParse(jsonOf(answer));
  const message = typeof data?.error === 'string' ? data.error : data?.error.message;
  return (message ?? answer).slice(0, 300);
}

function withoutToken(message: string, token: string | undefined): string {
  return token === undefined ? message : message.replaceAll(token, '[redacted]');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Another try may help. Not a TypeError, which p-retry would take for a bug. */
class PassingError extends Error {}

async function passing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { message, cause } = error as Error;
    const why = (cause as Error | undefined)?.message; // `fetch failed` says nothing
    throw new PassingError(why === undefined ? message : `${message}: ${why}`, { cause: error });
  }
}
