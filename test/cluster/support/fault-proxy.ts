/**
 * Stands between an operator and the API server and breaks what it is told to: plain HTTP on loopback in front, the real
 * server behind. It has seen every request, so that tests can count them.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { endWatch, refuse } from './injected-answer.ts';
import { describeRequest, type SeenRequest } from './seen-request.ts';

export type Fault =
  /** This status instead of asking the API server: 409, 429, 500 … */
  | { readonly answer: number; readonly retryAfterSeconds?: number }
  /** The API server does it, and the connection breaks before the answer. */
  | { readonly loseAnswer: true }
  /** The API server is asked this much later. */
  | { readonly delayMs: number }
  /** Neither an answer nor an end. */
  | { readonly silence: true }
  /** A watch that opens and ends at once with an error event of this code: 410. */
  | { readonly watchError: number };

export interface FaultRule {
  readonly when: (request: SeenRequest) => boolean;
  readonly fault: Fault;
  /** Used up after so many requests; never by default. */
  readonly times?: number;
}

interface Kubeconfig {
  readonly clusters: { cluster: { server: string; 'certificate-authority'?: string } }[];
  readonly users: { user: { 'client-certificate'?: string; 'client-key'?: string; token?: string } }[];
}

export class FaultProxy {
  /** Every request so far, oldest first. */
  readonly requests: SeenRequest[] = [];
  /** Points a client at this proxy; it needs no credentials. */
  readonly kubeconfig: string;
  private readonly server;
  private readonly upstream: { readonly url: URL; readonly agent: https.Agent; readonly headers: OutgoingHttpHeaders };
  private readonly rules: { rule: FaultRule; left: number }[] = [];
  private readonly watches = new Set<ServerResponse>();
  private writes = 0;
  private onWrite: { readonly at: number; readonly callback: () => Promise<void> | void } | undefined;
  private hushed: PromiseWithResolvers<void> | undefined;

  private constructor(kubeconfig: string) {
    const { clusters, users } = parse(readFileSync(kubeconfig, 'utf8')) as Kubeconfig;
    const [cluster, user] = [clusters[0]?.cluster, users[0]?.user];
    if (cluster === undefined) throw new Error(`${kubeconfig}: no cluster`);
    this.upstream = {
      url: new URL(cluster.server),
      agent: new https.Agent({
        keepAlive: true,
        ca: readOptional(cluster['certificate-authority']),
        cert: readOptional(user?.['client-certificate']),
        key: readOptional(user?.['client-key']),
      }),
      headers: user?.token === undefined ? {} : { authorization: `Bearer ${user.token}` },
    };
    this.kubeconfig = `${kubeconfig}.proxy-${process.pid}-${Date.now()}`;
    this.server = createServer((request, response) => {
      this.handle(request, response).catch(() => response.destroy());
    });
  }

  /** @param kubeconfig with the certificate files or the token to sign in with */
  static async start(kubeconfig: string): Promise<FaultProxy> {
    const proxy = new FaultProxy(kubeconfig);
    await once(proxy.server.listen(0, '127.0.0.1'), 'listening');
    const server = `http://127.0.0.1:${(proxy.server.address() as AddressInfo).port}`;
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      'current-context': 'proxy',
      clusters: [{ name: 'proxy', cluster: { server } }],
      users: [{ name: 'proxy', user: {} }],
      contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'proxy' } }],
    };
    await writeFile(proxy.kubeconfig, stringify(config));
    return proxy;
  }

  /** From now on; the first rule that matches a request decides. Returns its end. */
  add(rule: FaultRule): () => void {
    const entry = { rule, left: rule.times ?? Number.POSITIVE_INFINITY };
    this.rules.push(entry);
    return () => void this.rules.splice(this.rules.indexOf(entry), 1);
  }

  /**
   * Calls back once the API server has executed the n-th write from now (1 = the next) and before the operator hears of
   * it; the answer waits for the callback.
   */
  afterWrite(n: number, callback: () => Promise<void> | void): void {
    this.onWrite = { at: this.writes + n, callback };
  }

  /** Breaks the connections of all open watches. Returns how many there were. */
  cutWatches(): number {
    const count = this.watches.size;
    for (const response of this.watches) response.destroy();
    this.watches.clear();
    return count;
  }

  /** Lets nothing through in either direction, without closing a connection, until it is called with false. */
  hush(on: boolean): void {
    if (on) this.hushed ??= Promise.withResolvers();
    else {
      this.hushed?.resolve();
      this.hushed = undefined;
    }
  }

  async close(): Promise<void> {
    this.hush(false);
    this.cutWatches();
    this.server.close();
    this.server.closeAllConnections();
    this.upstream.agent.destroy();
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = describeRequest(request);
    this.requests.push(seen);
    const body = await buffer(request);
    await this.hushed?.promise;
    if (response.destroyed) return; // whoever asked has gone meanwhile, and what it asked with it
    const fault = this.faultFor(seen);
    if (fault !== undefined) {
      if ('silence' in fault) return;
      if ('answer' in fault) return refuse(seen, response, fault);
      if ('watchError' in fault) return endWatch(seen, response, fault.watchError);
      if ('delayMs' in fault) await sleep(fault.delayMs);
    }
    const answer = await this.ask(request, body);
    const flows = seen.watch || seen.query.get('follow') === 'true';
    if (flows && answer.statusCode === 200) return this.follow(seen, answer, response);
    const content = await buffer(answer);
    if (seen.write && (answer.statusCode ?? 0) < 300) await this.written();
    await this.hushed?.promise;
    if (fault !== undefined && 'loseAnswer' in fault) return void response.destroy();
    seen.status = answer.statusCode ?? 0;
    response.writeHead(seen.status, answer.headers).end(content);
  }

  private faultFor(seen: SeenRequest): Fault | undefined {
    const entry = this.rules.find(({ rule, left }) => left > 0 && rule.when(seen));
    if (entry !== undefined) entry.left--;
    return entry?.rule.fault;
  }

  private async ask(request: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
    const { url, agent, headers } = this.upstream;
    const { method, url: path, headers: given } = request;
    const asked = https.request({
      host: url.hostname,
      port: url.port,
      method,
      path,
      agent,
      headers: { ...given, ...headers, host: url.host },
    });
    asked.end(body);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    return answer;
  }

  private follow(seen: SeenRequest, answer: IncomingMessage, response: ServerResponse): void {
    seen.status = 200;
    if (seen.watch) this.watches.add(response);
    response.writeHead(200, answer.headers);
    response.flushHeaders();
    const pass = async (): Promise<void> => {
      for await (const chunk of answer) {
        await this.hushed?.promise;
        response.write(chunk);
      }
      response.end();
    };
    response.once('close', () => {
      this.watches.delete(response);
      answer.destroy();
    });
    pass().catch(() => response.destroy());
  }

  private async written(): Promise<void> {
    this.writes++;
    if (this.onWrite?.at !== this.writes) return;
    const { callback } = this.onWrite;
    this.onWrite = undefined;
    await callback();
  }
}

function readOptional(path: string | undefined): Buffer | undefined {
  return path === undefined ? undefined : readFileSync(path);
}
