import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeClient } from '../../operator/kube/client/client.ts';
import type { TransportOptions } from '../../operator/kube/client/transport.ts';

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}

export type Answer = (request: FakeRequest, response: ServerResponse) => Promise<void> | void;

/** An HTTP server that says what the test tells it to say, for what no real API server does on demand. */
export class FakeApi {
  /** Oldest first. */
  readonly requests: readonly FakeRequest[];
  readonly config = new KubeConfig();
  private readonly server: Server;
  private readonly clients: KubeClient[] = [];

  private constructor(server: Server, requests: readonly FakeRequest[]) {
    this.server = server;
    this.requests = requests;
    const { port } = server.address() as AddressInfo;
    this.config.loadFromClusterAndUser(
      { name: 'fake', server: `http://127.0.0.1:${port}`, skipTLSVerify: false },
      { name: 'user' },
    );
  }

  static async start(answer: Answer): Promise<FakeApi> {
    const requests: FakeRequest[] = [];
    const server = createServer((request, response) => {
      void (async () => {
        const url = new URL(request.url ?? '/', 'http://fake');
        const seen = {
          method: request.method ?? '',
          path: url.pathname,
          query: url.searchParams,
          headers: request.headers,
          body: request.method === 'GET' ? undefined : await json(request),
        };
        requests.push(seen);
        await answer(seen, response);
      })();
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    return new FakeApi(server, requests);
  }

  /** One that does not wait long before it asks again. */
  client(options: TransportOptions = {}): KubeClient {
    const client = new KubeClient(this.config, { retryMs: 1, ...options });
    this.clients.push(client);
    return client;
  }

  async close(): Promise<void> {
    await Promise.all(this.clients.map((client) => client.close()));
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

export function answerJson(response: ServerResponse, body: unknown, status = 200, headers: object = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

export function answerStatus(response: ServerResponse, code: number, reason: string, headers: object = {}): void {
  answerJson(response, { kind: 'Status', code, reason, message: `${reason}!` }, code, headers);
}
