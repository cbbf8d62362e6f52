import { isDeepStrictEqual } from 'node:util';
import { findCondition, setCondition, type Condition, type NewCondition } from '../../api/resources/conditions.ts';
import type { Clock } from '../../clock.ts';
import type { AssumeCache } from '../client/assume-cache.ts';
import type { KubeClient } from '../client/client.ts';
import { ignoreNotFound, isConflict } from '../client/api-error.ts';
import type { EventMessage, EventRecorder } from '../client/events.ts';
import { prunedFields } from '../client/pruned-fields.ts';
import { keyOf, type KubeObject, type ResourceKind, type Stored } from '../client/resources.ts';
import { droppedInWords } from './dropped-fields.ts';
import { transformOwn } from '../objects/transform.ts';

export interface StatusWriterOptions<T extends KubeObject, S> {
  readonly client: KubeClient;
  readonly kind: ResourceKind<T>;
  readonly objects: AssumeCache<T>;
  readonly events: EventRecorder;
  /** How long a change must have been there before it is written, in milliseconds; 0 for what somebody waits for. */
  readonly settleMs: (old: S | undefined, status: S) => number;
  /** What a change tells people. */
  readonly eventsOf: (old: S | undefined, status: S) => readonly EventMessage[];
  /** A pass should follow, which will save what is true by then. */
  readonly requeueAfter: (key: string, afterMs: number) => void;
  /** The API server has dropped fields that its definition of the kind does not know. */
  readonly onPruned: (kind: string, fields: readonly string[]) => void;
  readonly clock: Clock;
}

/**
 * Where hundreds change at a time nobody follows each, and to tell of one costs an API server as much as the Job that it runs
 * in. Of what nobody waits for so much is written in a second, and most has changed again before it is its turn; but
 * nothing waits for longer than the longest time.
 */
const words = { mostPerSecond: 5, longestMs: 15_000 };

/** What is heard of an object that has changed brings a pass sooner; a refusal that had no reason is followed by this one. */
const outdatedMs = 1000;

/**
 * The one place where the status of a kind is written, and where the events are recorded that go with it. What passes
 * through three states in a second is told once.
 */
export class StatusWriter<
  T extends KubeObject & { status?: S | undefined },
  S extends { readonly conditions: readonly Condition[] },
> {
  private readonly options: StatusWriterOptions<T, S>;
  /** When a change was first noticed that has not been written, oldest first. */
  private readonly noticed = new Map<string, { readonly at: number; readonly waitMs: number }>();

  constructor(options: StatusWriterOptions<T, S>) {
    this.options = options;
  }

  /**
   * @param object as it was when the status was decided
   * @returns the object with this status; undefined when it will be written later, or it has changed since, or is gone
   */
  async save(object: Stored<T>, status: S): Promise<Stored<T> | undefined> {
    const { client, kind, objects, events, eventsOf, settleMs, requeueAfter, onPruned } = this.options;
    const key = keyOf(object);
    // Whatever changed it brings another pass.
    if (objects.get(key)?.metadata.resourceVersion !== object.metadata.resourceVersion) return undefined;
    const old = object.status;
    this.forgetUndone();
    const delayMs = this.delay(key, settleMs(old, status));
    if (delayMs > 0) {
      requeueAfter(key, delayMs);
      return undefined;
    }
    this.noticed.delete(key);
    if (isDeepStrictEqual(old, status)) return object;
    const saved = await client.applyStatus(kind, object, status).catch(ignoreOutdated);
    if (saved === undefined) {
      requeueAfter(key, outdatedMs);
      return undefined;
    }
    const pruned = prunedFields(status, saved.status, 'status');
    if (pruned.length > 0) onPruned(kind.kind, pruned);
    const told = await this.tellOfPruned(saved, status, pruned);
    objects.assume(transformOwn(told));
    for (const each of eventsOf(old, status)) events.record(kind, told, each);
    return told;
  }

  /** Conditions are in every version of a definition: what it drops is told there, which core keeps from status to status. */
  private async tellOfPruned(object: Stored<T>, status: S, pruned: readonly string[]): Promise<Stored<T>> {
    const { client, kind } = this.options;
    const type = 'DefinitionOutdated';
    const known = findCondition(status.conditions, type);
    const next: NewCondition =
      pruned.length > 0
        ? { type, status: 'True', reason: 'FieldsDropped', message: droppedInWords(kind.kind, pruned) }
        : { type, status: 'False', reason: 'FieldsKept', message: '' };
    const isNews = known?.status !== next.status || known.message !== next.message;
    if (!isNews || (known === undefined && next.status === 'False')) return object;
    const conditions = setCondition(status.conditions, next, Date.now(), object.metadata.generation);
    return (await client.applyStatus(kind, object, { ...status, conditions }).catch(ignoreOutdated)) ?? object;
  }

  /** Milliseconds until the change is to be written. Its turn comes when it was noticed, whatever is noticed after it. */
  private delay(key: string, settleMs: number): number {
    if (settleMs === 0) return 0;
    const now = this.options.clock.now();
    const turnMs = Math.min((this.noticed.size / words.mostPerSecond) * 1000, words.longestMs);
    const { at, waitMs } = this.noticed.get(key) ?? { at: now, waitMs: turnMs };
    this.noticed.set(key, { at, waitMs });
    return at + Math.max(settleMs, waitMs) - now;
  }

  /** What has become again what is written is never saved. */
  private forgetUndone(): void {
    const before = this.options.clock.now() - 2 * words.longestMs;
    for (const [key, { at }] of this.noticed) {
      if (at > before) return; // noticed later, as are those that follow
      this.noticed.delete(key);
    }
  }

  /** There is no such object any more. */
  forget(key: string): void {
    this.noticed.delete(key);
  }
}

/**
 * A status tells of the object that was seen. When another one has taken its place, or somebody has written to it since (a person, or an operator that
 * was taken for dead), what is heard of that asks for another pass.
 */
function ignoreOutdated(error: unknown): undefined {
  return isConflict(error) ? undefined : ignoreNotFound(error);
}
