import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A Hub on this machine: the requests that the library makes (model info, tree in pages, resolve with ranges and, for
 * large files, with a redirect to another server), with the answers of huggingface.co.
 */
export class HubServer {
  readonly commit = '0123456789abcdef0123456789abcdef01234567';
  readonly files = new Map<string, { readonly content: Buffer; readonly large: boolean }>();
  /** What was asked, such as `GET /owner/name/resolve/…`. */
  readonly log: string[] = [];
  /** Asked for by the server that large files are on. */
  readonly tokensSeenElsewhere: string[] = [];
  token: string | undefined;
  /** Decides on each request before it is answered: a status, `cut` after half of the body, or nothing. */
  fault: (path: string) => number | 'cut' | undefined = () => undefined;
  readonly #hub: Server;
  readonly #storage: Server;

  private constructor() {
    this.#hub = createServer((request, response) => this.#answer(request, response));
    this.#storage = createServer((request, response) => {
      if (request.headers.authorization !== undefined) this.tokensSeenElsewhere.push(request.headers.authorization);
      this.log.push(`${request.method} storage${request.url}`);
      this.#send(request, response, request.url?.slice(1) ?? '');
    });
  }

  static async start({ host = '127.0.0.1', port = 0 } = {}): Promise<HubServer> {
    const server = new HubServer();
    await new Promise<void>((resolve) => server.#hub.listen(port, host, resolve));
    await new Promise<void>((resolve) => server.#storage.listen(0, host, resolve));
    return server;
  }

  get endpoint(): URL {
    return urlOf(this.#hub);
  }

  add(path: string, content: Buffer | string, large = false): void {
    this.files.set(path, { content: Buffer.from(content), large });
  }

  async stop(): Promise<void> {
    for (const each of [this.#hub, this.#storage]) {
      each.closeAllConnections();
      await new Promise((resolve) => each.close(resolve));
    }
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '', this.endpoint);
    this.log.push(`${request.method} ${url.pathname}`);
    if (this.token !== undefined && request.headers.authorization !== `Bearer ${this.token}`)
      return refuse(response, 401, 'RepoNotFound', 'Invalid username or password.');
    const fault = this.fault(url.pathname);
    if (typeof fault === 'number') return refuse(response, fault, 'Fault', 'as the test wants it');
    const [, revision] = /^\/api\/models\/owner\/name\/revision\/([^/]+)$/.exec(url.pathname) ?? [];
    if (revision !== undefined) {
      if (!['main', 'refs%2Fpr%2F1', this.commit].includes(revision))
        return refuse(response, 404, 'RevisionNotFound', `Invalid rev id: ${revision}`);
      return json(response, { _id: '1', id: 'owner/name', sha: this.commit, lastModified: '2026-01-01T00:00:00Z' });
    }
    if (url.pathname === `/api/models/owner/name/tree/${this.commit}`) return this.#tree(url, response);
    const prefix = `/owner/name/resolve/${this.commit}/`;
    const path = url.pathname.slice(prefix.length);
    if (!url.pathname.startsWith(prefix)) return refuse(response, 404, 'RepoNotFound', 'Repository not found');
    if (this.files.get(path)?.large !== true) return this.#send(request, response, path);
    response.writeHead(302, { location: new URL(path, urlOf(this.#storage)).href });
    response.end();
  }

  /** Two entries a page. */
  #tree(url: URL, response: ServerResponse): void {
    const start = Number(url.searchParams.get('cursor') ?? 0);
    const entries = [...this.files].slice(start, start + 2).map(([path, { content, large }]) => ({
      type: 'file',
      path,
      size: content.length,
      oid: digest('sha1', Buffer.concat([Buffer.from(`blob ${content.length}\0`), content])),
      ...(large && { lfs: { oid: digest('sha256', content), size: content.length, pointerSize: 134 } }),
    }));
    if (start + 2 < this.files.size) {
      url.searchParams.set('cursor', String(start + 2));
      response.setHeader('link', `<${url.href}>; rel="next"`);
    }
    json(response, [...entries, ...(start === 0 ? [{ type: 'directory', path: 'onnx', size: 0 }] : [])]);
  }

  #send(request: IncomingMessage, response: ServerResponse, path: string): void {
    const content = this.files.get(path)?.content;
    if (!content) return refuse(response, 404, 'EntryNotFound', `${path} is not there`);
    const [, first = '0', last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const part = content.subarray(Number(first), last === undefined || last === '' ? content.length : Number(last) + 1);
    const ranged = request.headers.range !== undefined;
    response.writeHead(ranged ? 206 : 200, {
      etag: `"${digest('sha1', content)}"`,
      'content-length': part.length,
      ...(ranged && { 'content-range': `bytes ${first}-${Number(first) + part.length - 1}/${content.length}` }),
    });
    if (part.length > 1 && this.fault(`storage/${path}`) === 'cut') {
      response.write(part.subarray(0, part.length >> 1), () => setTimeout(() => response.destroy(), 20));
      return;
    }
    response.end(part);
  }
}

function urlOf(server: Server): URL {
  const { address, port } = server.address() as AddressInfo;
  return new URL(`http://${address}:${port}`);
}

function json(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function refuse(response: ServerResponse, status: number, code: string, error: string): void {
  response.writeHead(status, { 'content-type': 'application/json', 'x-error-code': code });
  response.end(JSON.stringify({ error }));
}

function digest(algorithm: string, content: Buffer): string {
  return createHash(algorithm).update(content).digest('hex');
}
