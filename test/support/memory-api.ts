import type { ServerResponse } from 'node:http';
import { FakeApi, answerJson, type FakeRequest } from './fake-api.ts';
import { isHeard, ObjectStore, type Change } from './object-store.ts';

/** An API server that keeps objects in memory, and is spoken to over HTTP. */
export class MemoryApi extends ObjectStore {
  readonly api: FakeApi;
  /** Called before a request is carried out; an answer that it gives itself is all there is. */
  before: (request: FakeRequest, response: ServerResponse) => void = () => undefined;
  /** Watches tell of a change so much later, as those of a real server do. */
  watchLagMs = 10;
  private readonly watches = new Set<{
    readonly path: string;
    readonly selector: string;
    response: ServerResponse;
  }>();

  private constructor(api: FakeApi) {
    super();
    this.api = api;
    this.onChange((change) => this.write(change));
  }

  static async start(): Promise<MemoryApi> {
    let memory: MemoryApi | undefined;
    const api = await FakeApi.start((request, response) => memory?.respond(request, response));
    memory = new MemoryApi(api);
    return memory;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api.close();
  }

  private write(change: Change): void {
    const line = `${JSON.stringify({ type: change.type, object: change.object })}\n`;
    setTimeout(() => {
      for (const { path, selector, response } of this.watches) {
        if (isHeard(path, selector, change)) response.write(line);
      }
    }, this.watchLagMs);
  }

  private respond(request: FakeRequest, response: ServerResponse): void {
    this.before(request, response);
    if (response.writableEnded || response.destroyed) return;
    const { method, path, query, headers, body: given } = request;
    if (method === 'GET' && query.get('watch') === 'true') {
      this.watches.add({ path, selector: query.get('labelSelector') ?? '', response });
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
      return;
    }
    const { code, body } = this.answer({
      method,
      path,
      query,
      contentType: headers['content-type'] ?? '',
      body: given,
    });
    if (typeof body === 'string') response.end(body);
    else answerJson(response, body, code);
  }
}
