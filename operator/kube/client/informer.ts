import { type Clock, systemClock } from '../../clock.ts';
import type { KubeClient } from './client.ts';
import { withKnownSpec } from './known-spec.ts';
import { defaultTiming, listAndWatch, type WatchEnd, type WatchTiming } from './list-watch.ts';
import { keyOf, type KubeObject, type ResourceKind, type Stored } from './resources.ts';

export interface InformerOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly kind: ResourceKind<T>;
  /** Absent or empty: all namespaces. */
  readonly namespaces?: readonly string[] | undefined;
  readonly labelSelector?: string | undefined;
  /** Drops what nobody reads, since all that is left stays in memory; may change the object. */
  readonly transform?: (object: Stored<T>) => Stored<T>;
  /** Keys under which `byIndex` finds an object. */
  readonly indexBy?: (object: Stored<T>) => readonly string[];
  readonly onRestart?: ((kind: string, why: WatchEnd, error?: unknown) => void) | undefined;
  readonly timing?: Partial<WatchTiming>;
  readonly clock?: Clock;
}

/**
 * Something changed. `before` is undefined for an object that is new, `after` for one that was deleted; `before` is then
 * its last state, as far as the API server told it. An object that was replaced by another of its name is first
 * deleted, then new.
 */
export type ChangeListener<T> = (before: Stored<T> | undefined, after: Stored<T> | undefined) => void;

/**
 * The objects of one kind in memory, kept equal to the API server's. An object in the store is never changed but
 * replaced, so that whoever holds one keeps what it read.
 */
export class Informer<T extends KubeObject> {
  readonly kind: ResourceKind<T>;
  private readonly options: InformerOptions<T>;
  private readonly objects = new Map<string, Stored<T>>();
  /** Few objects have the same key, and most lists have one: a map of each would weigh more than what it holds. */
  private readonly index = new Map<string, readonly Stored<T>[]>();
  private readonly listeners = new Set<ChangeListener<T>>();
  private knownElsewhere: (key: string) => Stored<T> | undefined = () => undefined;
  /** How far each scope has been followed. */
  private readonly reached = new Map<string | undefined, string>();
  private readonly controller = new AbortController();
  private waitingForList = 0;
  private loops: Promise<void>[] = [];

  constructor(options: InformerOptions<T>) {
    this.options = options;
    this.kind = options.kind;
  }

  /** By `namespace/name`. */
  get store(): ReadonlyMap<string, Stored<T>> {
    return this.objects;
  }

  /** The objects that `indexBy` put under this key, in no particular order. */
  byIndex(key: string): readonly Stored<T>[] {
    return this.index.get(key) ?? [];
  }

  /** Every list has been read once. */
  get synced(): boolean {
    return this.loops.length > 0 && this.waitingForList === 0;
  }

  /** This state of an object, or what became of it since, is in the store, or is being put there right now. */
  isPast({ metadata: { namespace, resourceVersion } }: Stored<T>): boolean {
    const reached = this.reached.get(namespace) ?? this.reached.get(undefined);
    return reached !== undefined && BigInt(reached) >= BigInt(resourceVersion);
  }

  /** Whoever has a state of an object before the watch tells of it: what is the same in both is then kept once. */
  shareWith(known: (key: string) => Stored<T> | undefined): void {
    this.knownElsewhere = known;
  }

  /** Called for every change from now on, also for those of the first list; it must not throw. */
  onChange(listener: ChangeListener<T>): void {
    this.listeners.add(listener);
  }

  /** Settles when the store is complete for the first time; it is tried until it is, or until `stop`. */
  async start(): Promise<void> {
    const { namespaces = [] } = this.options;
    const scopes = namespaces.length === 0 ? [undefined] : namespaces;
    this.waitingForList = scopes.length;
    await new Promise<void>((resolve) => {
      this.controller.signal.addEventListener('abort', () => resolve(), { once: true });
      this.loops = scopes.map((namespace) =>
        this.follow(namespace, () => {
          this.waitingForList--;
          if (this.waitingForList === 0) resolve();
        }),
      );
    });
  }

  async stop(): Promise<void> {
    this.controller.abort();
    await Promise.all(this.loops);
  }

  private async follow(namespace: string | undefined, onListed: () => void): Promise<void> {
    const { client, kind, labelSelector, transform = withoutManagedFields, timing, onRestart } = this.options;
    const { clock = systemClock } = this.options;
    let listed = false;
    await listAndWatch<T>({
      client,
      kind,
      namespace,
      labelSelector,
      transform,
      timing: { ...defaultTiming, ...timing },
      clock,
      signal: this.controller.signal,
      sink: {
        replace: (objects) => {
          this.replace(namespace, objects);
          if (!listed) onListed();
          listed = true;
        },
        set: (object) => this.set(object),
        delete: (object) => this.delete(object),
        reached: (version) => this.reached.set(namespace, version),
        restarted: (why, error) => onRestart?.(kind.kind, why, error),
      },
    });
  }

  /** What is gone goes first: an object may have moved out of the way of another. */
  private replace(namespace: string | undefined, objects: readonly Stored<T>[]): void {
    const keys = new Set(objects.map(keyOf));
    for (const [key, object] of this.objects) {
      const inScope = namespace === undefined || object.metadata.namespace === namespace;
      if (inScope && !keys.has(key)) this.delete(object);
    }
    for (const object of objects) this.set(object);
  }

  private set(next: Stored<T>): void {
    const key = keyOf(next);
    const before = this.objects.get(key);
    if (before?.metadata.resourceVersion === next.metadata.resourceVersion) return;
    if (before !== undefined && before.metadata.uid !== next.metadata.uid) {
      this.delete(before);
      this.set(next);
      return;
    }
    const known = this.knownElsewhere(key);
    const isKnown = known?.metadata.resourceVersion === next.metadata.resourceVersion;
    const after = isKnown ? known : withKnownSpec(known ?? before, next);
    this.unindex(before);
    this.objects.set(key, after);
    for (const indexKey of this.options.indexBy?.(after) ?? []) {
      this.index.set(indexKey, [...this.byIndex(indexKey), after]);
    }
    this.tell(before, after);
  }

  private delete(last: Stored<T>): void {
    const key = keyOf(last);
    const before = this.objects.get(key);
    if (before === undefined) return;
    this.unindex(before);
    this.objects.delete(key);
    this.tell(last, undefined);
  }

  private unindex(object: Stored<T> | undefined): void {
    if (object === undefined) return;
    for (const indexKey of this.options.indexBy?.(object) ?? []) {
      const others = this.byIndex(indexKey).filter((each) => each !== object);
      if (others.length === 0) this.index.delete(indexKey);
      else this.index.set(indexKey, others);
    }
  }

  private tell(before: Stored<T> | undefined, after: Stored<T> | undefined): void {
    for (const listener of this.listeners) listener(before, after);
  }
}

/** Half of what a server-side applied object weighs, and of no use to a reader. */
export function withoutManagedFields<T extends KubeObject>(object: Stored<T>): Stored<T> {
  delete (object.metadata as { managedFields?: unknown }).managedFields;
  return object;
}
