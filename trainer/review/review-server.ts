import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { UnavailableError, UserError } from '../contract/process/errors.ts';
import { BearerToken, cutOffOnceBegun, HttpError, readBody, readJson, sendJson } from '../rollout/remote/http.ts';
import { checkEdit } from './check-edit.ts';
import { decision, reviewerName } from './decision.ts';
import { exportRows } from './export-rows.ts';
import { importDecisions, importInWords } from './import-decisions.ts';
import { pageFiles, type PageFile } from './page-files.ts';
import type { ReviewSession } from './review-session.ts';
import { rowsView, standingsView } from './view.ts';

const mostBytes = 4 * 2 ** 20;
const mostImportedBytes = 512 * 2 ** 20;

const edit = z.strictObject({ id: z.string(), completion: z.string() });

/** What runs in the page is ours, and talks to nobody but us: completions are text of strangers. */
const headers = {
  'cache-control': 'no-cache',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

export interface ReviewServerOptions {
  readonly host: string;
  /** 0 is any that is free. */
  readonly port: number;
  /** Asked of whoever wants more than the empty page. */
  readonly token: string;
}

/** Serves the page of a review, and what it asks for. */
export class ReviewServer {
  readonly #server: Server;
  readonly #session: ReviewSession;
  readonly #token: BearerToken;
  readonly #files: ReadonlyMap<string, PageFile>;

  private constructor(session: ReviewSession, files: ReadonlyMap<string, PageFile>, { token }: ReviewServerOptions) {
    this.#session = session;
    this.#token = new BearerToken(token);
    this.#files = files;
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.headersTimeout = 10_000;
    this.#server.requestTimeout = 300_000;
    this.#server.maxConnections = 256;
  }

  /** @throws UnavailableError if the address cannot be had */
  static async listen(session: ReviewSession, options: ReviewServerOptions): Promise<ReviewServer> {
    const server = new ReviewServer(session, await pageFiles(), options);
    const { host, port } = options;
    server.#server.listen(port, host);
    try {
      await once(server.#server, 'listening');
    } catch (cause) {
      throw new UnavailableError(`review: cannot listen on ${host}, port ${port}: ${(cause as Error).message}`, {
        cause,
      });
    }
    return server;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Takes no more requests; resolves when those that came before are answered. */
  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeIdleConnections();
    const timer = setTimeout(() => this.#server.closeAllConnections(), 2000);
    await closed;
    clearTimeout(timer);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    try {
      await this.#route(request, response);
    } catch (error) {
      if (cutOffOnceBegun(response)) return;
      const status = error instanceof HttpError ? error.status : error instanceof UserError ? 422 : 500;
      if (status === 500) console.error(error);
      if (!request.complete) response.setHeader('connection', 'close'); // the rest of the request is not read
      sendJson(response, status, { error: status === 500 ? 'the review failed to answer' : (error as Error).message });
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://review');
    const asked = `${request.method} ${url.pathname}`;
    const file = request.method === 'GET' ? this.#files.get(url.pathname) : undefined;
    if (file) {
      response.writeHead(200, { 'content-type': file.type, 'content-length': file.content.length });
      response.end(file.content);
      return;
    }
    if (!this.#token.matches(request)) throw new HttpError(401, 'another token is expected');
    const reviewer = url.searchParams.get('reviewer') ?? '';
    switch (asked) {
      case 'GET /api/rows':
        return sendJson(response, 200, rowsView(this.#session));
      case 'GET /api/standings':
        return this.#sendStandings(response, reviewer);
      case 'POST /api/check': {
        const { id, completion } = await readJson(request, edit, mostBytes);
        const row = this.#session.row(id);
        if (row === undefined) throw new HttpError(404, `no row has the id ${JSON.stringify(id)}`);
        return sendJson(response, 200, await checkEdit(row, completion, this.#session.of.verify));
      }
      case 'POST /api/decisions': {
        const made = await readJson(request, decision, mostBytes);
        const done = await this.#session.decide([made]);
        if ('problems' in done) throw new HttpError(422, [...done.problems.values()].join('; '));
        return this.#sendStandings(response, made.reviewer);
      }
      case 'GET /api/export':
        return this.#export(response, reviewer === '' ? undefined : nameOf(reviewer));
      case 'POST /api/import':
        return this.#import(request, response, { name: url.searchParams.get('name') ?? 'import', reviewer });
      default:
        throw new HttpError(404, `${asked}: no such path`);
    }
  }

  async #sendStandings(response: ServerResponse, reviewer: string): Promise<void> {
    sendJson(response, 200, standingsView(await this.#session.standings(), reviewer));
  }

  async #export(response: ServerResponse, reviewer: string | undefined): Promise<void> {
    response.writeHead(200, { 'content-type': 'application/jsonl; charset=utf-8' });
    await pipeline(exportRows(this.#session, reviewer), response);
  }

  async #import(
    request: IncomingMessage,
    response: ServerResponse,
    { name, reviewer }: { readonly name: string; readonly reviewer: string },
  ): Promise<void> {
    const body = await readBody(request, mostImportedBytes);
    if (body === undefined) throw new HttpError(413, `more than ${mostImportedBytes} bytes`);
    const by = reviewer === '' ? undefined : nameOf(reviewer);
    const imported = await importDecisions(this.#session, body.toString('utf8'), { name, reviewer: by });
    sendJson(response, 200, { ...imported, said: await importInWords(this.#session, imported) });
  }
}

function nameOf(text: string): string {
  const parsed = reviewerName.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new HttpError(400, 'reviewer: expected the name of a person, of at most 100 characters');
}
