import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, ResourceKind, Stored } from '../../operator/kube/client/resources.ts';
import { answerJson, answerStatus, FakeApi, type FakeRequest } from './fake-api.ts';

type Anything = Stored<KubeObject> & { spec?: unknown; status?: unknown };

interface Address {
  readonly plural: string;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

/**
 * An API server that keeps objects in memory: lists, watches, resource versions, generations and conflicts, and nothing
 * that controllers, schemas or garbage collection do.
 */
export class MemoryApi {
  readonly api: FakeApi;
  /** Called before a request is carried out; an answer that it gives itself is all there is. */
  before: (request: FakeRequest, response: ServerResponse) => void = () => undefined;
  /** Watches tell of a change so much later, as those of a real server do. */
  watchLagMs = 10;
  /** Fields of a status that the definitions of this server do not know. */
  pruned: readonly string[] = [];
  private readonly objects = new Map<string, Anything>();
  private readonly watches = new Set<{
    readonly address: Address;
    readonly selector: string;
    response: ServerResponse;
  }>();
  private version = 100;

  private constructor(api: FakeApi) {
    this.api = api;
  }

  static async start(): Promise<MemoryApi> {
    let memory: MemoryApi | undefined;
    const api = await FakeApi.start((request, response) => memory?.answer(request, response));
    memory = new MemoryApi(api);
    return memory;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api.close();
  }

  get<T extends KubeObject>({ plural }: ResourceKind<T>, name: string, namespace = 'team'): Stored<T> | undefined {
    return this.objects.get(`${plural}/${namespace}/${name}`) as Stored<T> | undefined;
  }

  all<T extends KubeObject>({ plural }: ResourceKind<T>): Stored<T>[] {
    return [...this.objects].filter(([key]) => key.startsWith(`${plural}/`)).map(([, object]) => object as Stored<T>);
  }

  /** As somebody else who writes: a new object, or a change of one that is there. */
  put<T extends KubeObject>({ plural, apiVersion, kind }: ResourceKind<T>, object: T): Stored<T> {
    const { name = '', namespace = 'team' } = object.metadata ?? {};
    const key = `${plural}/${namespace}/${name}`;
    const before = this.objects.get(key);
    const given = object as unknown as Anything;
    const isOther = before !== undefined && !isDeepStrictEqual(before.spec, given.spec);
    const after = structuredClone({
      ...given,
      apiVersion,
      kind,
      metadata: {
        ...given.metadata,
        namespace,
        uid: before?.metadata.uid ?? given.metadata.uid ?? randomUUID(),
        creationTimestamp: before?.metadata.creationTimestamp ?? new Date().toISOString(),
        resourceVersion: String(++this.version),
        generation: (before?.metadata.generation ?? 1) + (isOther ? 1 : 0),
      },
    }) as Anything;
    this.objects.set(key, after);
    this.tell({ plural, namespace, name }, before === undefined ? 'ADDED' : 'MODIFIED', after);
    return after as unknown as Stored<T>;
  }

  remove<T extends KubeObject>({ plural }: ResourceKind<T>, name: string, namespace = 'team'): void {
    const key = `${plural}/${namespace}/${name}`;
    const object = this.objects.get(key);
    if (object === undefined) return;
    this.objects.delete(key);
    const last = { ...object, metadata: { ...object.metadata, resourceVersion: String(++this.version) } };
    this.tell({ plural, namespace, name }, 'DELETED', last);
  }

  private known(status: unknown): unknown {
    return Object.fromEntries(Object.entries(status ?? {}).filter(([name]) => !this.pruned.includes(name)));
  }

  private tell(address: Address, type: string, object: Anything): void {
    const line = `${JSON.stringify({ type, object })}\n`;
    setTimeout(() => {
      for (const { address: watched, selector, response } of this.watches) {
        const inScope = watched.namespace === undefined || watched.namespace === address.namespace;
        if (watched.plural === address.plural && inScope && isSelected(object, selector)) response.write(line);
      }
    }, this.watchLagMs);
  }

  private answer(request: FakeRequest, response: ServerResponse): void {
    this.before(request, response);
    if (response.writableEnded || response.destroyed) return;
    const address = addressOf(request.path);
    if (address.subresource === 'log') {
      response.end('');
      return;
    }
    if (address.name === undefined) this.answerCollection(request, address, response);
    else this.answerObject(request, address, address.name, response);
  }

  private answerCollection(
    { method, query, body, path }: FakeRequest,
    address: Address,
    response: ServerResponse,
  ): void {
    const { plural, namespace } = address;
    const selector = query.get('labelSelector') ?? '';
    if (method === 'POST') {
      const object = body as Anything;
      if (this.objects.has(`${plural}/${namespace}/${object.metadata.name}`)) {
        return answerStatus(response, 409, 'AlreadyExists');
      }
      const kind = { apiVersion: object.apiVersion ?? '', kind: object.kind ?? '', plural, namespaced: true };
      return answerJson(response, this.put(kind, object), 201);
    }
    if (query.get('watch') === 'true') {
      this.watches.add({ address, selector, response });
      response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
      return undefined;
    }
    if (method !== 'GET') throw new Error(`${method} ${path}`);
    const items = this.all({ apiVersion: '', kind: '', plural, namespaced: true }).filter(
      (object) => (namespace === undefined || object.metadata.namespace === namespace) && isSelected(object, selector),
    );
    return answerJson(response, { items, metadata: { resourceVersion: String(this.version) } });
  }

  private answerObject(
    { method, body, headers, path }: FakeRequest,
    { plural, namespace, subresource }: Address,
    name: string,
    response: ServerResponse,
  ): void {
    const known = this.objects.get(`${plural}/${namespace}/${name}`);
    if (known === undefined) return answerStatus(response, 404, 'NotFound');
    const kind = { apiVersion: known.apiVersion ?? '', kind: known.kind ?? '', plural, namespaced: true };
    const given = (body ?? {}) as Partial<Anything> & { preconditions?: { uid?: string } };
    const uid = given.metadata?.uid ?? given.preconditions?.uid;
    const version = given.metadata?.resourceVersion;
    const isOther = (uid ?? known.metadata.uid) !== known.metadata.uid;
    if (isOther || (version ?? known.metadata.resourceVersion) !== known.metadata.resourceVersion) {
      return answerStatus(response, 409, 'Conflict');
    }
    switch (method) {
      case 'GET':
        return answerJson(response, known);
      case 'PUT':
        return answerJson(response, this.put(kind, given as Anything));
      case 'DELETE':
        this.remove(kind, name, namespace);
        return answerJson(response, known);
      case 'PATCH': {
        const isApply = headers['content-type']?.includes('apply-patch') === true;
        const after = isApply ? { ...known, status: given.status } : (merged(known, given) as Anything);
        const changed = subresource === 'status' ? { ...known, status: this.known(after.status) } : after;
        return answerJson(response, isDeepStrictEqual(changed, known) ? known : this.put(kind, changed));
      }
      default:
        throw new Error(`${method} ${path}`);
    }
  }
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
