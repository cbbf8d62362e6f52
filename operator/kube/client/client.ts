import { isNotFound } from './api-error.ts';
import { pathOf, type KubeObject, type ObjectName, type ResourceKind, type Stored } from './resources.ts';
import { Transport, type Query } from './transport.ts';

export interface LogOptions {
  readonly container?: string;
  readonly tailLines?: number;
  readonly limitBytes?: number;
  readonly sinceSeconds?: number;
  readonly timestamps?: boolean;
  readonly previous?: boolean;
}

export interface List<T> {
  readonly items: Stored<T>[];
  readonly resourceVersion: string;
  /** Asks for the next page; absent from the last. */
  readonly continueToken?: string;
}

/** A Kubernetes API in plain JSON: what can be done with the objects of a kind. */
export class KubeClient extends Transport {
  /** What is written is made from types: looking for unknown fields would cost the API server time, and find none. */
  private readonly writing: Query = { fieldManager: this.name, fieldValidation: 'Ignore' };

  async get<T extends KubeObject>(
    kind: ResourceKind<T>,
    { namespace, name }: ObjectName,
    signal?: AbortSignal,
  ): Promise<Stored<T>> {
    return this.request({ method: 'GET', path: pathOf(kind, namespace, name), signal });
  }

  /** Undefined where there is none. */
  async find<T extends KubeObject>(
    kind: ResourceKind<T>,
    name: ObjectName,
    signal?: AbortSignal,
  ): Promise<Stored<T> | undefined> {
    return this.get(kind, name, signal).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
  }

  /** One page, or everything without `limit`. */
  async list<T extends KubeObject>(
    kind: ResourceKind<T>,
    namespace: string | undefined,
    query: Query = {},
    signal?: AbortSignal,
  ): Promise<List<T>> {
    const answer = await this.request<{
      items: Stored<T>[] | null;
      metadata: { resourceVersion: string; continue?: string };
    }>({ method: 'GET', path: pathOf(kind, namespace), query, signal });
    const { resourceVersion, continue: token } = answer.metadata;
    return { items: answer.items ?? [], resourceVersion, ...(token ? { continueToken: token } : {}) };
  }

  /** The namespace and the type come from the object and the kind. */
  async create<T extends KubeObject>(kind: ResourceKind<T>, object: T, signal?: AbortSignal): Promise<Stored<T>> {
    return this.request({
      method: 'POST',
      path: pathOf(kind, object.metadata?.namespace),
      query: this.writing,
      body: { ...object, apiVersion: kind.apiVersion, kind: kind.kind },
      signal,
    });
  }

  /** Replaces an object that was read; a conflict when it has changed since. */
  async replace<T extends KubeObject>(
    kind: ResourceKind<T>,
    object: Stored<T>,
    signal?: AbortSignal,
  ): Promise<Stored<T>> {
    return this.request({
      method: 'PUT',
      path: pathOf(kind, object.metadata.namespace, object.metadata.name),
      query: this.writing,
      body: { ...object, apiVersion: kind.apiVersion, kind: kind.kind },
      signal,
    });
  }

  /**
   * Server-side apply of a status: it becomes ours as a whole, and what it no longer names is removed. Refused (409) when
   * anybody has changed the object since it was read, or it is another one of the same name by now.
   */
  async applyStatus<T extends KubeObject & { status?: unknown }>(
    kind: ResourceKind<T>,
    { metadata: { namespace, name, uid, resourceVersion } }: Stored<T>,
    status: T['status'],
  ): Promise<Stored<T>> {
    return this.request({
      method: 'PATCH',
      path: pathOf(kind, namespace, name, 'status'),
      query: { ...this.writing, force: true },
      body: {
        apiVersion: kind.apiVersion,
        kind: kind.kind,
        metadata: { namespace, name, uid, resourceVersion },
        status,
      },
      contentType: 'application/apply-patch+yaml',
    });
  }

  /**
   * JSON merge patch (RFC 7396): null removes a field, a list is replaced as a whole. Refused when a uid is given and
   * the object is another one of the same name by now.
   */
  async mergePatch<T extends KubeObject>(
    kind: ResourceKind<T>,
    { namespace, name, uid }: ObjectName & { readonly uid?: string | undefined },
    patch: Readonly<Record<string, unknown>> & { readonly metadata?: object },
    subresource?: 'status',
  ): Promise<Stored<T>> {
    return this.request({
      method: 'PATCH',
      path: pathOf(kind, namespace, name, subresource),
      query: this.writing,
      body: uid === undefined ? patch : { ...patch, metadata: { ...patch.metadata, uid } },
      contentType: 'application/merge-patch+json',
    });
  }

  /**
   * In the background: dependents follow by garbage collection. Only the object with this uid, if one is given, and only
   * as it was read.
   *
   * @param options.graceSeconds what a pod gets to end; a pod that ends already can only get less
   */
  async delete<T extends KubeObject>(
    kind: ResourceKind<T>,
    { namespace, name }: ObjectName,
    uid?: string,
    {
      resourceVersion,
      graceSeconds,
    }: { readonly resourceVersion?: string; readonly graceSeconds?: number | undefined } = {},
  ): Promise<void> {
    await this.requestText({
      method: 'DELETE',
      path: pathOf(kind, namespace, name),
      body: {
        propagationPolicy: 'Background',
        ...(graceSeconds !== undefined && { gracePeriodSeconds: graceSeconds }),
        ...(uid === undefined ? {} : { preconditions: { uid, ...(resourceVersion && { resourceVersion }) } }),
      },
    });
  }

  /** What a container has printed. */
  async log(namespace: string, pod: string, options: LogOptions = {}, signal?: AbortSignal): Promise<string> {
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(pod)}/log`;
    return this.requestText({ method: 'GET', path, query: { ...options }, signal });
  }
}
