import type { Reflector } from './reflector.ts';
import { keyOf, type KubeObject, type Stored } from './resources.ts';

/** What changed an object: someone else, or this process, whose write is known before any watch tells of it. */
export type Origin = 'watch' | 'own';

/**
 * The objects of a reflector with this process's own writes, as soon as the API server has answered. Without them a pass
 * that follows a write would see the world before it, and write again.
 */
export class Cache<T extends KubeObject> {
  private readonly reflector: Reflector<T>;
  private readonly indexBy: (object: Stored<T>) => readonly string[];
  /** Until the reflector is there too, however long its watch says nothing: what is forgotten is done again. */
  private readonly written = new Map<string, Stored<T>>();
  private readonly listeners: ((
    before: Stored<T> | undefined,
    after: Stored<T> | undefined,
    origin: Origin,
  ) => void)[] = [];

  constructor(reflector: Reflector<T>, indexBy: (object: Stored<T>) => readonly string[]) {
    this.reflector = reflector;
    this.indexBy = indexBy;
    reflector.onChange((before, after) => this.seen(before, after));
  }

  get(key: string): Stored<T> | undefined {
    return this.ownWrite(key) ?? this.reflector.store.get(key);
  }

  byIndex(index: string): Stored<T>[] {
    const stored = this.reflector.byIndex(index);
    if (this.written.size === 0) return [...stored];
    const found = new Map(stored.map((object) => [keyOf(object), object]));
    for (const key of this.written.keys()) {
      const own = this.ownWrite(key);
      if (own !== undefined && this.indexBy(own).includes(index)) found.set(key, own);
    }
    return [...found.values()];
  }

  all(): Iterable<Stored<T>> {
    return this.reflector.store.values();
  }

  onChange(listener: (before: Stored<T> | undefined, after: Stored<T> | undefined, origin: Origin) => void): void {
    this.listeners.push(listener);
  }

  /** What the API server answered to a write. */
  put(object: Stored<T>): void {
    if (this.reflector.isPast(object)) return; // the watch was faster
    const key = keyOf(object);
    const before = this.get(key);
    if (before !== undefined && !isNewer(object, before)) return; // a later write was answered sooner, or nothing changed
    this.written.set(key, object);
    this.tell(before, object, 'own');
  }

  private seen(before: Stored<T> | undefined, after: Stored<T> | undefined): void {
    const key = keyOf(after ?? before ?? unreachable());
    const own = this.written.get(key);
    if (own === undefined) return this.tell(before, after, 'watch');
    if (!this.reflector.isPast(own)) return; // the listeners have heard of a later state
    this.written.delete(key);
    if (after?.metadata.resourceVersion !== own.metadata.resourceVersion) this.tell(own, after, 'watch');
  }

  /** What was written and has not been seen yet. */
  private ownWrite(key: string): Stored<T> | undefined {
    const own = this.written.get(key);
    if (own === undefined || !this.reflector.isPast(own)) return own;
    this.written.delete(key); // created and deleted again while no watch was there
    return undefined;
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
