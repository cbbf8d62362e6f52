import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, ResourceKind, Stored } from '../../operator/kube/client/resources.ts';

export type Anything = Stored<KubeObject> & { spec?: unknown; status?: unknown };

export interface StoreRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly contentType: string;
  readonly body: unknown;
}

export interface StoreAnswer {
  readonly code: number;
  readonly body: unknown;
}

/** A change as a watch tells of it. */
export interface Change {
  readonly plural: string;
  readonly namespace: string;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: Anything;
}

interface Address {
  readonly plural: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/**
 * What an API server keeps, without any connection: lists, resource versions, generations and conflicts, and nothing that
 * controllers, schemas or garbage collection do.
 */
export class ObjectStore {
  /** Fields of a status that the definitions of this server do not know. */
  pruned: readonly string[] = [];
  /** Fields of the spec of an R1Stage that they do not know. */
  prunedSpec: readonly string[] = [];
  newUid: () => string = randomUUID;
  private readonly objects = new Map<string, Anything>();
  private readonly listeners = new Set<(change: Change) => void>();
  private version = 100;

  get resourceVersion(): string {
    return String(this.version);
  }

  /** @returns what calls it off */
  onChange(listener: (change: Change) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  get<T extends KubeObject>({ plural }: ResourceKind<T>, name: string, namespace = 'team'): Stored<T> | undefined {
    return this.objects.get(`${plural}/${namespace}/${name}`) as Stored<T> | undefined;
  }

  /** In the order of their names, as an API server lists them. */
  all<T extends KubeObject>({ plural }: ResourceKind<T>): Stored<T>[] {
    const found = [...this.objects].filter(([key]) => key.startsWith(`${plural}/`));
    return found.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object as Stored<T>);
  }

  /** As somebody else who writes: a new object, or a change of one that is there. */
  put<T extends KubeObject>({ plural, apiVersion, kind }: ResourceKind<T>, object: T): Stored<T> {
    const { name = '', namespace = 'team' } = object.metadata ?? {};
    const key = `${plural}/${namespace}/${name}`;
    const before = this.objects.get(key);
    const given = this.withKnownSpec(plural, inJson(object) as Anything);
    const isOther = before !== undefined && !isDeepStrictEqual(before.spec, given.spec);
    const after: Anything = {
      ...given,
      apiVersion,
      kind,
      metadata: {
        ...given.metadata,
        namespace,
        uid: before?.metadata.uid ?? given.metadata.uid ?? this.newUid(),
        creationTimestamp: before?.metadata.creationTimestamp ?? new Date().toISOString(),
        resourceVersion: String(++this.version),
        generation: (before?.metadata.generation ?? 1) + (isOther ? 1 : 0),
      },
    };
    this.objects.set(key, after);
    this.tell({ plural, namespace, type: before === undefined ? 'ADDED' : 'MODIFIED', object: after });
    return after as unknown as Stored<T>;
  }

  remove<T extends KubeObject>({ plural }: ResourceKind<T>, name: string, namespace = 'team'): void {
    const key = `${plural}/${namespace}/${name}`;
    const object = this.objects.get(key);
    if (object === undefined) return;
    this.objects.delete(key);
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.version) } };
    this.tell({ plural, namespace, type: 'DELETED', object: last });
  }

  answer(request: StoreRequest): StoreAnswer {
    const address = addressOf(request.path);
    if (address.subresource === 'log') return { code: 200, body: '' };
    return address.name === undefined
      ? this.answerCollection(request, address)
      : this.answerObject(request, address, address.name);
  }

  private answerCollection({ method, query, body, path }: StoreRequest, { plural, namespace }: Address): StoreAnswer {
    if (method === 'POST') {
      const object = body as Anything;
      if (this.objects.has(`${plural}/${namespace}/${object.metadata.name}`)) return refusal(409, 'AlreadyExists');
      const kind = { apiVersion: object.apiVersion ?? '', kind: object.kind ?? '', plural, namespaced: true };
      return { code: 201, body: this.put(kind, object) };
    }
    if (method !== 'GET') throw new Error(`${method} ${path}`);
    const selector = query.get('labelSelector') ?? '';
    const items = this.all({ apiVersion: '', kind: '', plural, namespaced: true }).filter(
      (object) => (namespace === undefined || object.metadata.namespace === namespace) && isSelected(object, selector),
    );
    return { code: 200, body: { items, metadata: { resourceVersion: this.resourceVersion } } };
  }

  private answerObject(
    { method, body, contentType, path }: StoreRequest,
    { plural, namespace, subresource }: Address,
    name: string,
  ): StoreAnswer {
    const known = this.objects.get(`${plural}/${namespace}/${name}`);
    if (known === undefined) return refusal(404, 'NotFound');
    const kind = { apiVersion: known.apiVersion ?? '', kind: known.kind ?? '', plural, namespaced: true };
    const given = (body ?? {}) as Partial<Anything> & { preconditions?: { uid?: string } };
    const uid = given.metadata?.uid ?? given.preconditions?.uid;
    const version = given.metadata?.resourceVersion;
    const isOther = (uid ?? known.metadata.uid) !== known.metadata.uid;
    if (isOther || (version ?? known.metadata.resourceVersion) !== known.metadata.resourceVersion) {
      return refusal(409, 'Conflict');
    }
    switch (method) {
      case 'GET':
        return { code: 200, body: known };
      case 'PUT':
        return { code: 200, body: this.put(kind, given as Anything) };
      case 'DELETE':
        this.remove(kind, name, namespace);
        return { code: 200, body: known };
      case 'PATCH': {
        const isApply = contentType.includes('apply-patch');
        const after = isApply ? { ...known, status: given.status } : (merged(known, given) as Anything);
        const changed = subresource === 'status' ? { ...known, status: this.known(after.status) } : after;
        return { code: 200, body: isDeepStrictEqual(changed, known) ? known : this.put(kind, changed) };
      }
      default:
        throw new Error(`${method} ${path}`);
    }
  }

  private withKnownSpec(plural: string, object: Anything): Anything {
    if (plural !== 'r1stages' || this.prunedSpec.length === 0) return object;
    const spec = Object.entries(object.spec ?? {}).filter(([name]) => !this.prunedSpec.includes(name));
    return { ...object, spec: Object.fromEntries(spec) };
  }

  private known(status: unknown): unknown {
    return Object.fromEntries(Object.entries(status ?? {}).filter(([name]) => !this.pruned.includes(name)));
  }

  private tell(change: Change): void {
    for (const listener of this.listeners) listener(change);
  }
}

/** What a watch on this collection hears of. */
export function isHeard(path: string, selector: string, { plural, namespace, object }: Change): boolean {
  const watched = addressOf(path);
  const inScope = watched.namespace === undefined || watched.namespace === namespace;
  return watched.plural === plural && inScope && isSelected(object, selector);
}

function inJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function refusal(code: number, reason: string): StoreAnswer {
  return { code, body: { kind: 'Status', code, reason, message: `${reason}!` } };
}

/** `/apis/r1.dev/v1alpha1/namespaces/team/r1pipelines/sums/status` and its like. */
function addressOf(path: string): Address {
  const parts = path.split('/').filter((part) => part !== '');
  const [first, second, ...rest] = parts.slice(parts[0] === 'api' ? 2 : 3);
  if (first !== 'namespaces' || rest.length === 0) return { plural: first ?? '', name: second, subresource: rest[0] };
  const [plural = '', name, subresource] = rest;
  return { namespace: second, plural, name, subresource };
}

function isSelected({ metadata: { labels = {} } }: Anything, selector: string): boolean {
  return selector
    .split(',')
    .filter((part) => part !== '')
    .every((part) => {
      const [label = '', value] = part.split('=');
      return value === undefined ? label in labels : labels[label] === value;
    });
}

/** RFC 7396. */
function merged(value: unknown, patch: unknown): unknown {
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = { ...(value as object) };
  for (const [key, change] of Object.entries(patch)) {
    if (change === null) delete result[key];
    else result[key] = merged(result[key] ?? {}, change);
  }
  return result;
}
