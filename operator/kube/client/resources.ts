import type {
  CoreV1Event,
  V1ConfigMap,
  V1Job,
  V1Lease,
  V1NetworkPolicy,
  V1PersistentVolumeClaim,
  V1Pod,
  V1Secret,
  V1Service,
} from '@kubernetes/client-node';

/**
 * A type of the client library as it travels in JSON: times are strings, and fields that TypeScript would not take as
 * parameter names have their own name back (`_from` is `from`).
 */
export type Json<T> = T extends Date
  ? string
  : T extends readonly (infer Item)[]
    ? Json<Item>[]
    : T extends object
      ? { [Key in keyof T as Key extends `_${infer Name}` ? Name : Key]: Json<T[Key]> }
      : T;

export type Pod = Json<V1Pod>;
export type Job = Json<V1Job>;
export type ConfigMap = Json<V1ConfigMap>;
export type Secret = Json<V1Secret>;
export type Service = Json<V1Service>;
export type VolumeClaim = Json<V1PersistentVolumeClaim>;
export type NetworkPolicy = Json<V1NetworkPolicy>;
export type Lease = Json<V1Lease>;
export type Event = Json<CoreV1Event>;

/** What Kueue makes of a Job; the part that is read. */
export interface Workload extends KubeObject {
  readonly spec?: { readonly active?: boolean };
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
    readonly admissionChecks?: readonly { readonly name: string; readonly state: string; readonly message?: string }[];
  };
}

interface SelfSubjectReview extends KubeObject {
  readonly status?: { readonly userInfo?: { readonly username?: string } };
}

/** Metadata that every object has once an API server has stored it. */
export interface StoredMetadata {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly generation?: number;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
}

/** What the client sends; some parts of it may be missing. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata?: { name?: string | undefined; namespace?: string | undefined };
}

/** What the API server answers. */
export type Stored<T> = T & { metadata: StoredMetadata };

/** One resource of the API, and with it the type of its objects. */
export interface ResourceKind<T extends KubeObject> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Only for the type checker. */
  readonly object?: T;
}

/** A kind whose objects lie in namespaces. */
export function namespacedKind<T extends KubeObject>(
  apiVersion: string,
  kind: string,
  plural: string,
): ResourceKind<T> {
  return { apiVersion, kind, plural, namespaced: true };
}

export const jobs = namespacedKind<Job>('batch/v1', 'Job', 'jobs');
export const pods = namespacedKind<Pod>('v1', 'Pod', 'pods');
export const configMaps = namespacedKind<ConfigMap>('v1', 'ConfigMap', 'configmaps');
export const secrets = namespacedKind<Secret>('v1', 'Secret', 'secrets');
export const services = namespacedKind<Service>('v1', 'Service', 'services');
export const volumeClaims = namespacedKind<VolumeClaim>('v1', 'PersistentVolumeClaim', 'persistentvolumeclaims');
export const networkPolicies = namespacedKind<NetworkPolicy>(
  'networking.k8s.io/v1',
  'NetworkPolicy',
  'networkpolicies',
);
export const leases = namespacedKind<Lease>('coordination.k8s.io/v1', 'Lease', 'leases');
export const workloads = namespacedKind<Workload>('kueue.x-k8s.io/v1beta2', 'Workload', 'workloads');
export const events = namespacedKind<Event>('v1', 'Event', 'events');

/** Who the API server takes the client for. */
export const selfSubjectReviews: ResourceKind<SelfSubjectReview> = {
  apiVersion: 'authentication.k8s.io/v1',
  kind: 'SelfSubjectReview',
  plural: 'selfsubjectreviews',
  namespaced: false,
};

export interface ObjectName {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** `namespace/name`: how stores, queues and logs name an object. */
export function keyOf({
  metadata,
}: {
  readonly metadata: { readonly name: string; readonly namespace?: string };
}): string {
  return keyIn(metadata.namespace, metadata.name);
}

/** The same from its parts. */
export function keyIn(namespace: string | undefined, name: string): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

export function nameOf(key: string): ObjectName {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/**
 * The path of a collection, of an object in it, or of its subresource: `/apis/batch/v1/namespaces/team/jobs/train/status`.
 *
 * @param namespace undefined for all namespaces
 */
export function pathOf(
  resource: ResourceKind<KubeObject>,
  namespace: string | undefined,
  name?: string,
  subresource?: string,
): string {
  const root = resource.apiVersion.includes('/') ? '/apis' : '/api';
  const scope = resource.namespaced && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : '';
  const rest = [name, subresource].flatMap((part) => (part === undefined ? [] : `/${encodeURIComponent(part)}`));
  return `${root}/${resource.apiVersion}${scope}/${resource.plural}${rest.join('')}`;
}
