import { randomBytes } from 'node:crypto';
import type { KubeClient } from './client.ts';
import { events, type KubeObject, type ResourceKind, type Stored } from './resources.ts';

export interface EventRecorderOptions {
  readonly client: KubeClient;
  /** An event that could not be written is lost and nobody waits for it. */
  readonly onError: (error: unknown) => void;
  /** An event was not written because too many were. */
  readonly onDrop: () => void;
}

/** What an event says: `reason` in CamelCase for programs, `message` for people. */
export interface EventMessage {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** The same words about the same object within this time say nothing new. */
const repeatMs = 600_000;
const rememberedMost = 10_000;
/** Good news that may come at once, and in a second from then on. Conditions tell it too, and bad news is always written. */
const good = { most: 50, perSecond: 1 };
/** As in events.k8s.io, which takes no longer ones. */
const longestMessage = 1024;

/** Writes what `kubectl describe` shows under Events. Core v1: what is read by most tools, with the least to fill in. */
export class EventRecorder {
  private readonly options: EventRecorderOptions;
  /** When something was last said, oldest first. */
  private readonly said = new Map<string, number>();
  private readonly underWay = new Set<Promise<void>>();
  private goodLeft = { count: good.most, at: performance.now() };

  constructor(options: EventRecorderOptions) {
    this.options = options;
  }

  record<T extends KubeObject>(kind: ResourceKind<T>, { metadata }: Stored<T>, event: EventMessage): void {
    const { type, reason, message } = event;
    const { name, namespace, uid, resourceVersion } = metadata;
    if (this.repeats(`${uid} ${type} ${reason} ${message}`)) return;
    if (type === 'Normal' && !this.mayTellGoodNews()) return this.options.onDrop();
    const now = new Date().toISOString().replace(/\.\d+/, '');
    const { name: component } = this.options.client;
    const written = this.options.client
      .create(events, {
        metadata: { namespace, name: `${name.slice(0, 236)}.${randomBytes(8).toString('hex')}` },
        involvedObject: { apiVersion: kind.apiVersion, kind: kind.kind, namespace, name, uid, resourceVersion },
        type,
        reason,
        message: message.length <= longestMessage ? message : `${message.slice(0, longestMessage - 1)}…`,
        source: { component },
        reportingComponent: component,
        reportingInstance: '',
        firstTimestamp: now,
        lastTimestamp: now,
        count: 1,
      })
      .then(() => undefined, this.options.onError);
    this.underWay.add(written);
    void written.finally(() => this.underWay.delete(written));
  }

  /** What was recorded has been written, or not. */
  async flush(): Promise<void> {
    await Promise.all(this.underWay);
  }

  /** A token bucket. */
  private mayTellGoodNews(): boolean {
    const at = performance.now();
    const count = Math.min(good.most, this.goodLeft.count + ((at - this.goodLeft.at) / 1000) * good.perSecond);
    this.goodLeft = { count: count < 1 ? count : count - 1, at };
    return count >= 1;
  }

  private repeats(words: string): boolean {
    const now = performance.now();
    const last = this.said.get(words);
    if (last !== undefined && now - last < repeatMs) return true;
    this.said.delete(words);
    this.said.set(words, now);
    const [oldest] = this.said.keys();
    if (this.said.size > rememberedMost && oldest !== undefined) this.said.delete(oldest);
    return false;
  }
}
