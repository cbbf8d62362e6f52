import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Registry } from 'prom-client';

/** A server for probes and scrapes; port 0 lets the system choose. */
export class StatusServer {
  private readonly server: Server;
  readonly port: number;

  private constructor(server: Server) {
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /**
   * Answers `/healthz` as long as the process can answer at all, and `/readyz` with 503 while there is a reason.
   *
   * @param notReady why the process is not ready yet; undefined once it is
   */
  static health(port: number, notReady: () => string | undefined): Promise<StatusServer> {
    return StatusServer.listen(port, {
      '/healthz': async (response) => answer(response, 200, 'ok\n'),
      '/readyz': async (response) => {
        const reason = notReady();
        answer(response, reason === undefined ? 200 : 503, `${reason ?? 'ok'}\n`);
      },
    });
  }

  /** Answers `/metrics` in the text format of Prometheus. */
  static metrics(port: number, registry: Registry): Promise<StatusServer> {
    return StatusServer.listen(port, {
      '/metrics': async (response) => answer(response, 200, await registry.metrics(), registry.contentType),
    });
  }

  private static async listen(
    port: number,
    pages: Readonly<Record<string, (response: ServerResponse) => Promise<void>>>,
  ): Promise<StatusServer> {
    const server = createServer((request, response) => {
      const page = pages[request.url?.split('?')[0] ?? ''];
      if (page === undefined) answer(response, 404, 'not found\n');
      else page(response).catch((error: unknown) => answer(response, 500, `${String(error)}\n`));
    });
    server.listen(port);
    await once(server, 'listening');
    return new StatusServer(server);
  }

  async close(): Promise<void> {
    this.server.close();
    this.server.closeAllConnections();
    await once(this.server, 'close');
  }
}

function answer(response: ServerResponse, status: number, body: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type }).end(body);
}
