import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { UnavailableError } from '../contract/process/errors.ts';
import { BearerToken, cutOffOnceBegun, readBody, sendJson } from '../rollout/remote/http.ts';
import { ApiError } from './api-error.ts';
import { chatAnswer } from './chat-answer.ts';
import { parseChatRequest } from './chat-request.ts';
import { completionAnswer } from './completion-answer.ts';
import { parseCompletionRequest } from './completion-request.ts';
import { sendAnswer } from './send-answer.ts';
import type { ServedModel } from './served-model.ts';

export interface ModelServerOptions {
  readonly host: string;
  /** 0 is any that is free. */
  readonly port: number;
  /** Asked of whoever wants more than to hear that the server is there. */
  readonly apiKey: string | undefined;
}

const mostConnections = 1024;
const idleMs = 50;

/** Answers requests to a model in the form of OpenAI's API. */
export class ModelServer {
  readonly #server: Server;
  readonly #model: ServedModel;
  readonly #key: BearerToken | undefined;
  readonly #mostBytes: number;
  #stopping = false;

  private constructor(model: ServedModel, apiKey: string | undefined) {
    this.#model = model;
    this.#key = apiKey === undefined ? undefined : new BearerToken(apiKey);
    // No prompt that fits has more: a token of text is a few bytes, and in JSON each may be six.
    this.#mostBytes = 256 * 1024 + 64 * model.policy.config.maxLength;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.headersTimeout = 10_000;
    this.#server.requestTimeout = 60_000;
    this.#server.maxConnections = mostConnections;
  }

  /** @throws UnavailableError if the address cannot be had */
  static async listen(model: ServedModel, { host, port, apiKey }: ModelServerOptions): Promise<ModelServer> {
    const server = new ModelServer(model, apiKey);
    server.#server.listen(port, host);
    try {
      await once(server.#server, 'listening');
    } catch (error) {
      throw new UnavailableError(`serve: cannot listen on ${host}, port ${port}: ${(error as Error).message}`, {
        cause: error,
      });
    }
    return server;
  }

  /** Where clients find it. */
  get url(): string {
    const { address, port, family } = this.#server.address() as AddressInfo;
    return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}/v1`;
  }

  /** Takes no more requests; resolves when those that came before are answered. */
  async close(): Promise<void> {
    this.#stopping = true;
    const closed = once(this.#server, 'close');
    this.#server.close();
    const timer = setInterval(() => this.#server.closeIdleConnections(), idleMs); // clients keep them for their next request
    await closed;
    clearInterval(timer);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#stopping) response.setHeader('connection', 'close');
    try {
      await this.#route(request, response);
    } catch (error) {
      if (cutOffOnceBegun(response)) return;
      if (!(error instanceof ApiError)) console.error(error);
      const told = error instanceof ApiError ? error : new ApiError(500, 'the model failed to answer');
      if (!request.complete) response.setHeader('connection', 'close'); // the rest of the request is not read
      if (told.status === 429) response.setHeader('retry-after', '1');
      sendJson(response, told.status, told.body);
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '' } = request;
    const path = (request.url ?? '').replace(/\?.*/s, '');
    if (path === '/health') {
      sendJson(response, this.#stopping ? 503 : 200, { status: this.#stopping ? 'stopping' : 'ok' });
      return;
    }
    if (this.#key?.matches(request) === false) {
      throw new ApiError(401, 'another API key is expected, as Authorization: Bearer KEY', { code: 'invalid_api_key' });
    }
    const endpoint = this.#endpoints(path);
    if (endpoint === undefined) {
      const expected = '/v1/chat/completions, /v1/completions or /v1/models';
      throw new ApiError(404, `${path}: no such path; expected ${expected}`, { code: 'not_found' });
    }
    if (method !== endpoint.method) throw new ApiError(405, `${path}: found ${method}, expected ${endpoint.method}`);
    if (this.#stopping) throw new ApiError(503, 'the server is stopping', { code: 'stopping' });
    await endpoint.answer(request, response);
  }

  #endpoints(path: string) {
    const model = this.#model;
    const post = (answerOf: (body: unknown) => Parameters<typeof sendAnswer>[1]) => ({
      method: 'POST',
      answer: async (request: IncomingMessage, response: ServerResponse) =>
        sendAnswer(model, answerOf(await this.#body(request)), response),
    });
    if (path === '/v1/chat/completions') {
      return post((body) => chatAnswer(model, this.#known(parseChatRequest(body))));
    }
    if (path === '/v1/completions') {
      return post((body) => completionAnswer(model, this.#known(parseCompletionRequest(body))));
    }
    if (path === '/v1/models') return get(() => ({ object: 'list', data: [describe(model)] }));
    const named = /^\/v1\/models\/(.+)$/.exec(path)?.[1];
    if (named !== undefined) return get(() => describe(this.#known({ model: decoded(named) }) && model));
    return undefined;
  }

  async #body(request: IncomingMessage): Promise<unknown> {
    // A page in somebody's browser can send a form anywhere, but no JSON.
    const type = request.headers['content-type'] ?? 'none';
    if (!/^application\/json\s*(;|$)/i.test(type)) {
      throw new ApiError(415, `found the content type ${type}, expected application/json`);
    }
    const bytes = await readBody(request, this.#mostBytes);
    if (bytes === undefined)
      throw new ApiError(413, `found more than ${this.#mostBytes} bytes, expected at most those`);
    try {
      return JSON.parse(bytes.toString('utf8'));
    } catch (error) {
      throw new ApiError(400, `the body is no JSON: ${(error as Error).message}`);
    }
  }

  /** A request for the model that is here. */
  #known<T extends { readonly model?: string | undefined }>(request: T): T {
    if (request.model === undefined || request.model === this.#model.name) return request;
    throw new ApiError(404, `model: found ${JSON.stringify(request.model)}, expected ${this.#model.name}`, {
      param: 'model',
      code: 'model_not_found',
    });
  }
}

function get(body: () => object) {
  return {
    method: 'GET',
    answer: async (_: IncomingMessage, response: ServerResponse) => sendJson(response, 200, body()),
  };
}

function describe({ name, created, policy }: ServedModel): object {
  return { id: name, object: 'model', created, owned_by: 'r1', max_model_len: policy.config.maxLength };
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
