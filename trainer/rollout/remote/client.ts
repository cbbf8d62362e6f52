import { createHash } from 'node:crypto';
import type { z } from 'zod';
import { UnavailableError, UserError } from '../../contract/process/errors.ts';
import {
  type Answer,
  answer,
  type Delivery,
  longPollMs,
  paths,
  type Poll,
  type Registered,
  registered,
  type Registration,
  workerHeader,
} from './protocol.ts';
import { digestBytes } from './send-parameters.ts';

/** The learner does not know this worker any more. */
export class UnknownToLearnerError extends Error {}

/** The lease is over, or the parameters have changed. */
export class OverError extends Error {}

export class StageDoneError extends Error {}

/** Where parameters are read to. */
export interface ParameterMemory {
  readonly bytes: number;
  /** As many bytes, piece by piece; each is full when the next is asked for. */
  readonly memory: AsyncIterable<Uint8Array>;
}

/**
 * The learner as a worker sees it. Every call throws UnavailableError when the learner does not answer, and UserError
 * when it will never take this worker, and StageDoneError when there is nothing left to do.
 */
export class LearnerClient {
  readonly #url: URL;
  readonly #token: string;
  #worker = '';

  constructor(url: URL, token: string) {
    this.#url = url;
    this.#token = token;
  }

  /** Its answer names the worker in all later calls. */
  async register(body: Registration): Promise<Registered> {
    const answered = await this.#post(paths.workers, body, registered);
    this.#worker = answered.worker;
    return answered;
  }

  poll(body: Poll, signal: AbortSignal): Promise<Answer> {
    return this.#post(paths.leases, body, answer, signal);
  }

  async deliver(lease: string, body: Delivery): Promise<void> {
    await discard(await this.#fetch(`${paths.leases}/${lease}`, { method: 'POST', body: JSON.stringify(body) }));
  }

  async leave(): Promise<void> {
    await discard(await this.#fetch(paths.workers, { method: 'DELETE' }));
  }

  /** Reads the parameters of a version, so many bytes, into one piece of memory after the other. */
  async readParameters(version: string, { bytes, memory }: ParameterMemory, signal: AbortSignal): Promise<void> {
    const response = await this.#fetch(`${paths.parameters}/${version}`, {}, signal, Infinity);
    const length = Number(response.headers.get('content-length')) - digestBytes;
    if (length !== bytes) {
      throw new UserError(`the learner has ${length} bytes of parameters; its config.json describes ${bytes}`);
    }
    const hash = createHash('sha256');
    const digest = Buffer.alloc(digestBytes);
    const pieces = memory[Symbol.asyncIterator]();
    let piece = new Uint8Array();
    let at = 0;
    try {
      for await (const chunk of response.body ?? []) {
        const values = chunk.subarray(0, Math.max(0, bytes - at));
        for (let from = 0; from < values.length;) {
          if (piece.length === 0) piece = (await pieces.next()).value as Uint8Array<ArrayBuffer>;
          const part = values.subarray(from, from + piece.length);
          piece.set(part);
          piece = piece.subarray(part.length);
          from += part.length;
        }
        hash.update(values);
        digest.set(chunk.subarray(values.length), Math.max(0, at - bytes));
        at += chunk.length;
      }
      await pieces.next(); // the last piece is full, too
    } catch (error) {
      throw new UnavailableError(`the parameters were cut off: ${messageOf(error)}`, { cause: error });
    }
    if (at !== bytes + digestBytes || !hash.digest().equals(digest)) {
      throw new UnavailableError('the parameters did not arrive as they were sent');
    }
  }

  async #post<T extends z.ZodType>(path: string, body: object, schema: T, signal?: AbortSignal): Promise<z.infer<T>> {
    const response = await this.#fetch(path, { method: 'POST', body: JSON.stringify(body) }, signal);
    try {
      return schema.parse(await response.json());
    } catch (error) {
      throw new UnavailableError(`${path}: not the answer of a learner: ${messageOf(error)}`, { cause: error });
    }
  }

  async #fetch(path: string, init: RequestInit, signal?: AbortSignal, timeoutMs = 2 * longPollMs): Promise<Response> {
    const timeout = timeoutMs === Infinity ? [] : [AbortSignal.timeout(timeoutMs)];
    let response: Response;
    try {
      response = await fetch(new URL(path, this.#url), {
        ...init,
        headers: {
          authorization: `Bearer ${this.#token}`,
          'content-type': 'application/json',
          [workerHeader]: this.#worker,
        },
        redirect: 'error',
        signal: AbortSignal.any([...timeout, ...(signal ? [signal] : [])]),
      });
    } catch (error) {
      throw new UnavailableError(`${this.#url.origin} does not answer: ${messageOf(error)}`, { cause: error });
    }
    if (response.ok) return response;
    throw errorOf(response.status, await said(response), this.#url.origin);
  }
}

function errorOf(status: number, message: string, origin: string): Error {
  switch (status) {
    case 401:
      return new UserError(`${origin}: the learner has another token`);
    case 409:
    case 422:
      return new UserError(`${origin}: the learner refuses this worker: ${message}`);
    case 404:
      return new UnknownToLearnerError(message);
    case 410:
      return new StageDoneError(message);
    case 412:
      return new OverError(message);
    default:
      return new UnavailableError(`${origin}: answered ${status}: ${message}`);
  }
}

async function said(response: Response): Promise<string> {
  const text = await response.text().catch(() => '');
  try {
    return String((JSON.parse(text) as { error?: unknown }).error).slice(0, 1000);
  } catch {
    return text.slice(0, 200);
  }
}

async function discard(response: Response): Promise<void> {
  await response.arrayBuffer();
}

/** `fetch failed` says nothing; its cause does. */
function messageOf(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error && cause.message !== '' ? cause.message : message;
}
