import type { Reflector } from './reflector.ts';
import { keyOf, type KubeObject, type Stored } from './resources.ts';

/** A write that no watch has told of by then was undone before anyone could see it. */
const unseenMs = 30_000;

/** What changed an object: someone else, or this process, whose write is known before any watch tells of it. */
export type Origin = 'watch' | 'own';

/**
 * The objects of a reflector with this process's own writes, as soon as the API server has answered. Without them a pass
 * that follows a write would see the world before it, and write again.
 */
export class Cache<T extends KubeObject> {
  private readonly reflector: Reflector<T>;
  private readonly indexBy: (object: Stored<T>) => readonly string[];
  private readonly written = new Map<string, { readonly object: Stored<T>; readonly at: number }>();
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
    return this.newer(this.reflector.store.get(key), this.written.get(key)?.object);
  }

  byIndex(index: string): Stored<T>[] {
    const stored = this.reflector.byIndex(index);
    if (this.written.size === 0) return [...stored];
    const found = new Map(stored.map((object) => [keyOf(object), object]));
    for (const [key, { object, at }] of this.written) {
      if (performance.now() - at > unseenMs) this.written.delete(key);
      else if (this.indexBy(object).includes(index)) found.set(key, this.newer(found.get(key), object) ?? object);
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
  put(object: Stored<T>): Stored<T> {
    const key = keyOf(object);
    const before = this.get(key);
    if (before?.metadata.resourceVersion === object.metadata.resourceVersion) return before;
    this.written.set(key, { object, at: performance.now() });
    this.tell(before, object, 'own');
    return object;
  }

  private seen(before: Stored<T> | undefined, after: Stored<T> | undefined): void {
    const object = after ?? before;
    if (object === undefined) return;
    const key = keyOf(object);
    const own = this.written.get(key)?.object;
    if (own === undefined) return this.tell(before, after, 'watch');
    const isEcho = after?.metadata.resourceVersion === own.metadata.resourceVersion;
    if (isEcho || this.newer(after, own) !== own) this.written.delete(key);
    // Of what is older than the own write the listeners heard before; of an echo when it was written.
    if (!isEcho && !this.written.has(key)) this.tell(own, after, 'watch');
  }

  private tell(before: Stored<T> | undefined, after: Stored<T> | undefined, origin: Origin): void {
    for (const listener of this.listeners) listener(before, after, origin);
  }

  /** Resource versions of one kind are numbers that grow. */
  private newer(stored: Stored<T> | undefined, own: Stored<T> | undefined): Stored<T> | undefined {
    if (own === undefined || stored === undefined) return own ?? stored;
    return BigInt(own.metadata.resourceVersion) > BigInt(stored.metadata.resourceVersion) ? own : stored;
  }
}
