import type { Readable } from 'node:stream';
import { type Clock, pause } from '../../clock.ts';
import { isGone } from './api-error.ts';
import type { KubeClient } from './client.ts';
import { pathOf, type KubeObject, type ResourceKind, type Stored } from './resources.ts';
import type { Query } from './transport.ts';
import { watchEvents } from './watch-stream.ts';

export interface WatchTiming {
  /** Silence after which a watch counts as dead. API servers send a bookmark about once a minute. */
  readonly silenceMs: number;
  /** How long a watch may last before the server ends it, which spreads load: a random time between the two. */
  readonly lifeSeconds: readonly [least: number, most: number];
  /** Wait after a failure, doubled with each that follows without a success in between. */
  readonly backoffMs: readonly [first: number, longest: number];
}

export const defaultTiming: WatchTiming = {
  silenceMs: 150_000,
  lifeSeconds: [290, 590],
  backoffMs: [250, 30_000],
};

/** Why a watch began anew: its time was up, nothing was heard, its version was too old, or something failed. */
export type WatchEnd = 'finished' | 'silent' | 'expired' | 'failed';

/** Who keeps the objects of a list and of the watch that follows it. */
export interface WatchSink<T extends KubeObject> {
  /** What is told next, if anything, leaves out no change up to this resource version. */
  reached(version: string): void;
  /** Everything that exists now. */
  replace(objects: readonly Stored<T>[]): void;
  set(object: Stored<T>): void;
  /** With the last state of the object. */
  delete(object: Stored<T>): void;
  /** A watch ended and another follows. */
  restarted(why: WatchEnd, error?: unknown): void;
}

export interface ListWatchOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly kind: ResourceKind<T>;
  /** Undefined for all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly sink: WatchSink<T>;
  readonly transform: (object: Stored<T>) => Stored<T>;
  readonly timing: WatchTiming;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const pageSize = 500;
/** A watch that ended sooner and said nothing was no success. */
const shortMs = 1000;

/**
 * Follows the objects of one kind until the signal aborts: a list, and a watch from its resource version on, again and
 * again from the last version seen. No change is lost: a watch that breaks goes on where it was, and where the server does
 * not know that place, a new list is compared with what is known.
 */
export async function listAndWatch<T extends KubeObject>(options: ListWatchOptions<T>): Promise<void> {
  const { sink, signal, timing, clock } = options;
  const [firstMs, longestMs] = timing.backoffMs;
  let version: string | undefined;
  let failures = 0;

  while (!signal.aborted) {
    const progress = { version, heard: false };
    const startedAt = clock.now();
    try {
      version ??= progress.version = await list(options);
      await watch(options, progress);
      version = progress.version;
      const succeeded = progress.heard || clock.now() - startedAt >= shortMs;
      failures = succeeded ? 0 : failures + 1;
      if (!signal.aborted) sink.restarted('finished');
    } catch (error) {
      if (signal.aborted) return;
      version = progress.version;
      failures = progress.heard ? 1 : failures + 1;
      // A watch from a version that the server has yet to reach (its data came back from a backup) opens and says nothing.
      if (isGone(error) || error instanceof SilenceError) version = undefined;
      sink.restarted(endOf(error), error);
    }
    if (failures > 0) {
      // A list at once after a version that was too old; more of the same would be an attack.
      const backoffMs =
        version === undefined && failures === 1 ? 0 : Math.min(firstMs * 2 ** (failures - 1), longestMs);
      await pause(clock, backoffMs * (0.5 + Math.random() / 2), signal);
    }
  }
}

/** @returns the resource version at which the list was true */
async function list<T extends KubeObject>({
  client,
  kind,
  namespace,
  labelSelector,
  sink,
  transform,
  signal,
}: ListWatchOptions<T>): Promise<string> {
  for (let query: Query = { limit: pageSize, labelSelector }; ;) {
    const objects: Stored<T>[] = [];
    try {
      for (let token: string | undefined; ;) {
        const page = await client.list(kind, namespace, { ...query, continue: token }, signal);
        // Items of built-in lists do not say what they are; events do.
        for (const item of page.items) objects.push(transform(Object.assign(item, typeOf(kind))));
        token = page.continueToken;
        if (token !== undefined) continue;
        sink.reached(page.resourceVersion);
        sink.replace(objects);
        return page.resourceVersion;
      }
    } catch (error) {
      // The version of the first page expired before the last was read: everything in one page then.
      if (!isGone(error) || query['limit'] === undefined) throw error;
      query = { labelSelector };
    }
  }
}

function typeOf({ apiVersion, kind }: ResourceKind<KubeObject>): { apiVersion: string; kind: string } {
  return { apiVersion, kind };
}

/** Returns when the server has ended the watch in order. */
async function watch<T extends KubeObject>(
  { client, kind, namespace, labelSelector, sink, transform, timing, clock, signal }: ListWatchOptions<T>,
  progress: { version: string | undefined; heard: boolean },
): Promise<void> {
  const [least, most] = timing.lifeSeconds;
  const timeoutSeconds = Math.round(least + Math.random() * (most - least));
  const query = {
    watch: true,
    allowWatchBookmarks: true,
    resourceVersion: progress.version,
    timeoutSeconds,
    labelSelector,
  };
  const silence = new Silence(clock, timing.silenceMs);
  try {
    const stop = AbortSignal.any([signal, silence.signal]);
    const body = await client.stream(pathOf(kind, namespace), query, stop);
    for await (const event of watchEvents<T>(silence.listen(body))) {
      sink.reached(event.object.metadata.resourceVersion);
      if (event.type === 'DELETED') sink.delete(transform(event.object));
      else if (event.type !== 'BOOKMARK') sink.set(transform(event.object));
      progress.version = event.object.metadata.resourceVersion;
      progress.heard = true;
    }
  } catch (error) {
    throw silence.signal.aborted ? silence.signal.reason : error;
  } finally {
    silence.end();
  }
}

class SilenceError extends Error {}

/** Aborts its signal when nothing was heard for too long. */
class Silence {
  private readonly controller = new AbortController();
  private readonly clock: Clock;
  private readonly ms: number;
  private callOff: () => void;

  constructor(clock: Clock, ms: number) {
    this.clock = clock;
    this.ms = ms;
    this.callOff = this.wait();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  async *listen(body: Readable): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of body) {
      this.callOff();
      this.callOff = this.wait();
      yield chunk as Uint8Array;
    }
  }

  end(): void {
    this.callOff();
  }

  private wait(): () => void {
    return this.clock.after(this.ms, () => {
      this.controller.abort(new SilenceError(`nothing heard for ${this.ms / 1000} s`));
    });
  }
}

function endOf(error: unknown): WatchEnd {
  if (error instanceof SilenceError) return 'silent';
  return isGone(error) ? 'expired' : 'failed';
}
