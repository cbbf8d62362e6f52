import type { Informer } from './informer.ts';
import { withKnownSpec } from './known-spec.ts';
import { keyOf, type KubeObject, type Stored } from './resources.ts';

/** What changed an object: someone else, or this process, whose write is known before any watch tells of it. */
export type Origin = 'watch' | 'assumed';

/**
 * The objects of an informer with this process's own writes, as soon as the API server has answered. Without them a pass
 * that follows a write would see the world before it, and write again.
 */
export class AssumeCache<T extends KubeObject> {
  private readonly informer: Informer<T>;
  private readonly indexBy: (object: Stored<T>) => readonly string[];
  /** Until the informer is there too, however long its watch says nothing: what is forgotten is done again. */
  private readonly written = new Map<string, Stored<T>>();
  /** Keys of what was written, by the same index. */
  private readonly writtenIndex = new Map<string, Set<string>>();
  private readonly listeners: ((
    before: Stored<T> | undefined,
    after: Stored<T> | undefined,
    origin: Origin,
  ) => void)[] = [];

  constructor(informer: Informer<T>, indexBy: (object: Stored<T>) => readonly string[]) {
    this.informer = informer;
    this.indexBy = indexBy;
    informer.shareWith((key) => this.written.get(key));
    informer.onChange((before, after) => this.seen(before, after));
  }

  get(key: string): Stored<T> | undefined {
    return this.ownWrite(key) ?? this.informer.store.get(key);
  }

  byIndex(index: string): Stored<T>[] {
    const stored = this.informer.byIndex(index);
    const written = [...(this.writtenIndex.get(index) ?? [])].flatMap((key) => this.ownWrite(key) ?? []);
    if (written.length === 0) return [...stored];
    const found = new Map([...stored, ...written].map((object) => [keyOf(object), object]));
    return [...found.values()];
  }

  all(): Iterable<Stored<T>> {
    return this.informer.store.values();
  }

  onChange(listener: (before: Stored<T> | undefined, after: Stored<T> | undefined, origin: Origin) => void): void {
    this.listeners.push(listener);
  }

  /** What the API server answered to a write. */
  assume(answer: Stored<T>): void {
    if (this.informer.isPast(answer)) return; // the watch was faster
    const key = keyOf(answer);
    const before = this.get(key);
    if (before !== undefined && !isNewer(answer, before)) return; // a later write was answered sooner, or nothing changed
    this.forget(key);
    const object = withKnownSpec(before, answer);
    this.written.set(key, object);
    for (const index of this.indexBy(object)) {
      const keys = this.writtenIndex.get(index) ?? new Set();
      this.writtenIndex.set(index, keys.add(key));
    }
    this.tell(before, object, 'assumed');
  }

  private seen(before: Stored<T> | undefined, after: Stored<T> | undefined): void {
    const key = keyOf(after ?? before ?? unreachable());
    const own = this.written.get(key);
    if (own === undefined) return this.tell(before, after, 'watch');
    if (!this.informer.isPast(own)) return; // the listeners have heard of a later state
    this.forget(key);
    if (after?.metadata.resourceVersion !== own.metadata.resourceVersion) this.tell(own, after, 'watch');
  }

  /** What was written and has not been seen yet. */
  private ownWrite(key: string): Stored<T> | undefined {
    const own = this.written.get(key);
    if (own === undefined || !this.informer.isPast(own)) return own;
    this.forget(key); // created and deleted again while no watch was there
    return undefined;
  }

  private forget(key: string): void {
    const object = this.written.get(key);
    if (object === undefined) return;
    this.written.delete(key);
    for (const index of this.indexBy(object)) {
      const keys = this.writtenIndex.get(index);
      keys?.delete(key);
      if (keys?.size === 0) this.writtenIndex.delete(index);
    }
  }

  private tell(before: Stored<T> | undefined, after: Stored<T> | undefined, origin: Origin): void {
    for (const listener of this.listeners) listener(before, after, origin);
  }
}

/** Resource versions of one kind are numbers that grow. */
function isNewer(a: Stored<KubeObject>, b: Stored<KubeObject>): boolean {
  return BigInt(a.metadata.resourceVersion) > BigInt(b.metadata.resourceVersion);
}

function unreachable(): never {
  throw new Error('a change without an object');
}
