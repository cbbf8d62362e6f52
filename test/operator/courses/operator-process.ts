import { Readable } from 'node:stream';
import { ApiError, ConnectionError } from '../../../operator/kube/client/api-error.ts';
import { KubeClient } from '../../../operator/kube/client/client.ts';
import type { ClusterConfig } from '../../../operator/kube/client/credentials.ts';
import type { ApiRequest, Query } from '../../../operator/kube/client/transport.ts';
import { Controller } from '../../../operator/kube/controller.ts';
import type { Logger } from '../../../operator/kube/logger.ts';
import type { OperatorMetrics } from '../../../operator/kube/metrics.ts';
import { noStageDefaults } from '../../../operator/kube/apply/stage-defaults.ts';
import { isHeard, type Change, type ObjectStore } from '../../support/object-store.ts';
import type { Dice } from './dice.ts';

/** What stands between an operator and its API server. */
export interface Weather {
  /** A change is heard of so much later, in milliseconds: one of these. */
  readonly lagsMs: readonly number[];
  /** How often a watch breaks after an event, and how often the server then no longer knows where it was. */
  readonly breaks: number;
  readonly forgets: number;
  /** How often an event is told twice. */
  readonly doubles: number;
  /** How often a write is carried out and its answer gets lost, or it is not carried out at all. */
  readonly lostAnswers: number;
}

export const fairWeather: Weather = { lagsMs: [10], breaks: 0, forgets: 0, doubles: 0, lostAnswers: 0 };

/** A write of an operator that was carried out. */
export interface Write {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
}

export interface OperatorOptions {
  readonly store: ObjectStore;
  /** All changes that there have been, oldest first. */
  readonly history: readonly Change[];
  readonly weather: Weather;
  readonly dice: Dice;
  /** It forgets everything in the moment after this write. */
  readonly diesAfter: number | undefined;
  /** It goes on for so long when its time has come: as one that has not noticed that somebody else leads. */
  readonly outlivesMs: number;
  readonly beforeWrite: (path: string) => void;
  readonly onWrite: (write: Write) => void;
  readonly onDeath: () => void;
  /** A pass failed for another reason than that the API server said no or nothing. */
  readonly onMistake: (error: unknown) => void;
}

/** How long after the death of its sender a write may arrive. */
const longestWayMs = 2000;

const config: ClusterConfig = {
  getCurrentCluster: () => ({ server: 'http://in.memory' }),
  getCurrentUser: () => null,
  applyToHTTPSOptions: async () => undefined,
};

/** Counts nothing: of metrics there is nothing to decide. */
const noMetrics = new Proxy({}, { get: () => () => undefined }) as OperatorMetrics;

/** One process of the operator: the whole controller, in front of objects in memory. */
export class OperatorProcess {
  private readonly controller: Controller;
  private readonly client: DirectClient;

  constructor(options: OperatorOptions) {
    this.client = new DirectClient(options, () => this.die(options));
    const warn = (_message: string, { error }: { error?: unknown } = {}): void => {
      const isOfTheApi = error instanceof ApiError || error instanceof ConnectionError;
      if (error !== undefined && !isOfTheApi && !this.client.isDead) options.onMistake(error);
    };
    this.controller = new Controller({
      client: this.client,
      namespaces: [],
      image: 'r1-operator:test',
      hubEndpoint: undefined,
      defaults: noStageDefaults,
      metrics: noMetrics,
      logger: { debug: silent, info: silent, warn, error: warn } as unknown as Logger,
    });
  }

  /** It leads once its caches are full, which takes as long as it takes. */
  start(): void {
    void this.controller.watch().then(() => {
      if (!this.client.isDead) this.controller.start();
    });
  }

  /** Nothing it has begun comes to an end. */
  kill(): void {
    this.client.die();
    void this.controller.stop();
  }

  private die({ onDeath, outlivesMs }: OperatorOptions): void {
    if (outlivesMs === 0) this.kill();
    else setTimeout(() => this.kill(), outlivesMs);
    onDeath();
  }
}

/** Asks the objects in memory without any connection, in this weather. */
class DirectClient extends KubeClient {
  isDead = false;
  private readonly streams = new Set<Readable>();
  private readonly with: OperatorOptions;
  private readonly onLastWrite: () => void;
  private writes = 0;

  constructor(options: OperatorOptions, onLastWrite: () => void) {
    super(config);
    this.with = options;
    this.onLastWrite = onLastWrite;
  }

  die(): void {
    this.isDead = true;
    // Node keeps a signal for ever that somebody still listens to, and with it all that the listener knows.
    for (const stream of this.streams) stream.destroy();
  }

  override async requestText({ method, path, query = {}, body, contentType = '' }: ApiRequest): Promise<string> {
    if (this.isDead) return never();
    const isWrite = method !== 'GET' && !path.endsWith('/events');
    if (method !== 'GET' && !isWrite) return '{}';
    const { dice, weather, store, diesAfter, beforeWrite, onWrite } = this.with;
    await later(1 + Math.floor(dice.roll() * 5));
    if (this.isDead) {
      if (!isWrite || dice.happens(0.5)) return never();
      await later(dice.roll() * longestWayMs); // it was on its way, and comes when another process may be at work
    }
    const isLost = isWrite && dice.happens(weather.lostAnswers);
    if (isLost && dice.happens(0.5)) throw new ConnectionError(`${method} ${path}: not sent`, undefined);
    if (isWrite) beforeWrite(path);
    const given = body === undefined ? undefined : (JSON.parse(JSON.stringify(body)) as unknown);
    const answer = store.answer({ method, path, query: parameters(query), contentType, body: given });
    // Committed by now, whatever comes of the answer.
    const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
    if (isWrite && answer.code < 400) {
      onWrite({ method, path, body: given });
      if (++this.writes === diesAfter) {
        this.onLastWrite();
        if (this.isDead) return never();
      }
    }
    if (isLost) throw new ConnectionError(`${method} ${path}: no answer`, undefined);
    await later(1 + Math.floor(dice.roll() * 5));
    if (this.isDead) return never();
    if (answer.code >= 400) throw ApiError.fromResponse(`${method} ${path}`, answer.code, text, undefined);
    return text;
  }

  override async stream(path: string, query: Query, signal: AbortSignal): Promise<Readable> {
    if (this.isDead) return never();
    const { store, history, weather, dice } = this.with;
    const from = Number(query['resourceVersion'] ?? 0);
    const selector = String(query['labelSelector'] ?? '');
    const stream = new Readable({ read: () => undefined });
    const isFresh = history.length === 0 || Number(history.at(-1)!.object.metadata.resourceVersion) <= from;
    if (!isFresh && dice.happens(weather.forgets)) {
      throw new ApiError(410, 'Expired', 'too old resource version');
    }
    let tellsAt = 0;
    let isOver = false;
    const tell = (change: Change): void => {
      if (isOver || this.isDead || stream.destroyed || !isHeard(path, selector, change)) return;
      // A watch keeps the order of its kind, and knows nothing of that of others.
      tellsAt = Math.max(tellsAt, Date.now() + dice.pick(weather.lagsMs));
      const line = `${JSON.stringify({ type: change.type, object: change.object })}\n`;
      const breaks = dice.happens(weather.breaks);
      const text = dice.happens(weather.doubles) ? line + line : line;
      setTimeout(() => {
        if (this.isDead || stream.destroyed || isOver) return;
        // What is under way is lost with it; the next watch goes on from what was heard.
        if (breaks && dice.happens(0.5)) isOver = true;
        else stream.push(text);
        if (!breaks) return;
        isOver = true;
        stream.push(null);
      }, tellsAt - Date.now());
    };
    const forget = store.onChange(tell);
    const end = (): void => void stream.destroy();
    signal.addEventListener('abort', end);
    this.streams.add(stream);
    stream.once('close', () => {
      forget();
      signal.removeEventListener('abort', end);
      this.streams.delete(stream);
    });
    for (const change of history) {
      if (Number(change.object.metadata.resourceVersion) > from) tell(change);
    }
    return stream;
  }
}

function silent(): void {}

function parameters(query: Query): URLSearchParams {
  return new URLSearchParams(
    Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value)] as [string, string]],
    ),
  );
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/** Nobody is there any more whom an answer could reach. */
function never(): Promise<never> {
  return new Promise(() => undefined);
}
