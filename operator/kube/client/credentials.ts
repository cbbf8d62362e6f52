import { readFile } from 'node:fs/promises';
import { Agent, ProxyAgent, Socks5ProxyAgent, type Dispatcher } from 'undici';

/** Certificates and tokens are looked at again after this time: those of pods and of exec plugins are replaced while we run. */
const freshMs = 10_000;

const connection = {
  // A connection for each watch: what holds up one cannot hold up the others.
  allowH2: false,
  // API servers and load balancers drop idle connections after 90 s and more; the leader asks every 5 s.
  keepAliveTimeout: 45_000,
  connectTimeout: 10_000,
};
/** A peer that vanished without a word is noticed by the kernel after this time and ten unanswered probes. */
const keepAlive = { keepAlive: true, keepAliveInitialDelay: 30_000 };

export interface TlsOptions {
  ca?: Buffer;
  cert?: Buffer | string;
  key?: Buffer | string;
  rejectUnauthorized?: boolean;
  servername?: string;
}

/** What applyToHTTPSOptions fills in. */
export interface Applied extends TlsOptions {
  headers?: Record<string, string>;
  auth?: string;
}

/** What is read of a KubeConfig of the client library, or of what stands in for it. */
export interface ClusterConfig {
  getCurrentCluster(): { readonly server: string; readonly proxyUrl?: string | undefined } | null;
  getCurrentUser(): { readonly authProvider?: unknown } | null;
  applyToHTTPSOptions(options: Applied): Promise<void>;
}

/** Who we are to the API server, kept fresh, with the connections that were opened under that name. */
export class Credentials {
  readonly server: URL;
  private readonly config: ClusterConfig;
  private readonly maySend: (method: string) => boolean;
  private current:
    | { readonly tls: string; readonly dispatcher: Dispatcher; headers: Record<string, string> }
    | undefined;
  private readAt = 0;
  private reading: Promise<void> | undefined;

  /** @param maySend asked when a connection is there, just before a request goes out on it */
  constructor(config: ClusterConfig, maySend: (method: string) => boolean = () => true) {
    const cluster = config.getCurrentCluster();
    if (cluster === null) throw new Error('the kubeconfig has no current context, or its cluster is missing');
    this.config = config;
    this.maySend = maySend;
    this.server = new URL(cluster.server);
    // `kubectl proxy` speaks plain HTTP, which KubeConfig takes for a mistake unless nothing is to be verified.
    if (this.server.protocol === 'http:') Object.assign(cluster, { skipTLSVerify: true });
  }

  async get(): Promise<{ readonly dispatcher: Dispatcher; readonly headers: Record<string, string> }> {
    if (this.current === undefined || performance.now() - this.readAt > freshMs) {
      this.reading ??= this.read().finally(() => {
        this.reading = undefined;
      });
      await this.reading;
    }
    if (this.current === undefined) throw new Error('no credentials'); // read() throws or sets them
    return this.current;
  }

  /** The server refused them: read them again before the next request. */
  refused(): void {
    this.readAt = Number.NEGATIVE_INFINITY;
  }

  async close(): Promise<void> {
    await this.current?.dispatcher.destroy();
  }

  private async read(): Promise<void> {
    const applied: Applied = {};
    await this.config.applyToHTTPSOptions(applied);
    const { ca, cert, key, rejectUnauthorized, servername } = applied;
    const tls: TlsOptions = {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
      ...(servername === undefined ? {} : { servername }),
    };
    const headers = Object.fromEntries(
      Object.entries(applied.headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]),
    );
    const token = await this.tokenOfPod();
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    if (applied.auth !== undefined) headers['authorization'] = `Basic ${Buffer.from(applied.auth).toString('base64')}`;

    const before = this.current;
    const fingerprint = JSON.stringify(tls);
    const dispatcher = before?.tls === fingerprint ? before.dispatcher : this.connect(tls).compose(this.guard);
    this.current = { tls: fingerprint, dispatcher, headers };
    this.readAt = performance.now();
    // Requests and watches under the old certificate end in their own time.
    if (before !== undefined && before.dispatcher !== dispatcher) void before.dispatcher.close();
  }

  /** The kubelet replaces it; KubeConfig keeps what it read for a minute, even when the API server refuses it. */
  private async tokenOfPod(): Promise<string | undefined> {
    const provider = this.config.getCurrentUser()?.authProvider as { config?: { tokenFile?: string } } | undefined;
    const file = provider?.config?.tokenFile;
    return file === undefined ? undefined : (await readFile(file, 'utf8')).trim();
  }

  /** A request waits for its connection, and a process that is frozen meanwhile would send it whenever it wakes up. */
  private readonly guard: Dispatcher.DispatcherComposeInterceptor = (dispatch) => (options, handler) => {
    const start = handler.onRequestStart?.bind(handler);
    handler.onRequestStart = (controller, context) => {
      if (this.maySend(options.method)) start?.(controller, context);
      else controller.abort(new Error('not allowed to write any more'));
    };
    return dispatch(options, handler);
  };

  private connect(tls: TlsOptions): Dispatcher {
    const proxy = this.config.getCurrentCluster()?.proxyUrl;
    const connect = { ...tls, ...keepAlive, allowH2: false };
    if (proxy === undefined || proxy === '') return new Agent({ ...connection, connect });
    return proxy.startsWith('socks')
      ? new Socks5ProxyAgent(proxy, { ...connection, requestTls: connect })
      : new ProxyAgent({ ...connection, uri: proxy, requestTls: connect });
  }
}
