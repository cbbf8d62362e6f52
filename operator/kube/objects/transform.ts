import { isDeepStrictEqual } from 'node:util';
import { annotations, labels } from '../../api/resources/metadata.ts';
import {
  attemptLabels,
  completionIndexLabel,
  defaultImageAnnotation,
  defaultsAnnotation,
  gpusAnnotation,
  madeByAnnotation,
  madeFromAnnotation,
  settingsAnnotation,
} from './labels.ts';
import type { Job, KubeObject, Pod, Stored, VolumeClaim } from '../client/resources.ts';
import { product } from '../client/transport.ts';

// What is kept in memory of thousands of objects: what somebody reads, and nothing else.

const keptLabels: readonly string[] = [
  labels.pipeline,
  labels.stage,
  attemptLabels.stageUid,
  attemptLabels.attempt,
  attemptLabels.component,
  completionIndexLabel,
  'kueue.x-k8s.io/queue-name',
];
const keptAnnotations: readonly string[] = [
  annotations.stopReason,
  madeByAnnotation,
  madeFromAnnotation,
  settingsAnnotation,
  gpusAnnotation,
  defaultsAnnotation,
  defaultImageAnnotation,
];
const keptConditions: readonly string[] = ['PodScheduled', 'Ready', 'DisruptionTarget'];
const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Objects of our own kinds: all but who wrote which field, except the approvals, and what kubectl remembers. */
export function transformOwn<T extends KubeObject>(object: Stored<T>): Stored<T> {
  const { managedFields = [], ...metadata } = object.metadata as Stored<T>['metadata'] & {
    managedFields?: FieldsEntry[];
  };
  const approver = approvalsEntry(managedFields);
  const { annotations: { [lastApplied]: _, ...kept } = {} } = metadata;
  // Copied: an object from which properties are deleted becomes a hash table of thrice its size.
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(metadata.annotations === undefined ? {} : { annotations: kept }),
      ...(approver === undefined ? {} : { managedFields: [approver] }),
    },
  } as Stored<T>;
}

interface FieldsEntry {
  readonly manager?: string;
  readonly time?: string;
  readonly fieldsV1?: { readonly 'f:metadata'?: { readonly 'f:annotations'?: Readonly<Record<string, unknown>> } };
}

/** The newest one by which somebody else has set the approvals of a pipeline. */
function approvalsEntry(entries: readonly FieldsEntry[]): FieldsEntry | undefined {
  const field = `f:${annotations.approved}`;
  const [newest] = entries
    .filter(({ manager, fieldsV1 }) => manager !== product.name && fieldsV1?.['f:metadata']?.['f:annotations']?.[field])
    .toSorted((a, b) => (b.time ?? '').localeCompare(a.time ?? ''));
  if (newest === undefined) return undefined;
  const { manager, time } = newest;
  return { ...(manager === undefined ? {} : { manager }), ...(time === undefined ? {} : { time }) };
}

export function transformJob({ metadata, spec, status }: Stored<Job>): Stored<Job> {
  const { ownerReferences } = metadata;
  // Of rollout workers those count that run; whether the one pod of a trainer does, it says itself.
  const isOfWorkers = spec?.completionMode === 'Indexed';
  return {
    metadata: { ...identity(metadata), ...(ownerReferences === undefined ? {} : { ownerReferences }) },
    spec: { ...pick(spec, ['suspend', 'completions', 'parallelism']), template: {} },
    status: {
      ...pick(status, isOfWorkers ? ['active', 'ready'] : []),
      ...(status?.conditions === undefined ? {} : { conditions: status.conditions.map(withoutProbe) }),
    },
  };
}

export function transformClaim({ metadata }: Stored<VolumeClaim>): Stored<VolumeClaim> {
  return { metadata: { ...identity(metadata), ...pick(metadata, ['ownerReferences']) } };
}

export function transformPod({ metadata, spec, status }: Stored<Pod>): Stored<Pod> {
  const conditions = status?.conditions?.filter(({ type }) => keptConditions.includes(type)).map(withoutProbe);
  return {
    metadata: identity(metadata),
    spec: { ...pick(spec, ['nodeName']), containers: (spec?.containers ?? []).flatMap(memoryLimit) },
    status: {
      ...pick(status, ['phase', 'reason', 'message']),
      ...(conditions === undefined ? {} : { conditions }),
      ...containers('containerStatuses', status?.containerStatuses),
      ...containers('initContainerStatuses', status?.initContainerStatuses),
    },
  };
}

/** Told to whoever wonders why a container was killed for its memory. */
function memoryLimit({ name, resources }: Container): Container[] {
  const memory = resources?.limits?.['memory'];
  return memory === undefined ? [] : [{ name, resources: { limits: { memory } } }];
}

/** Nobody reads when a condition was last looked at, which is null as a rule. */
function withoutProbe<T extends Condition>(condition: T): T {
  return pick(condition, ['type', 'status', 'lastTransitionTime', 'reason', 'message']) as T;
}

function identity(metadata: Stored<KubeObject>['metadata']): Stored<KubeObject>['metadata'] {
  return {
    ...pick(metadata, ['name', 'namespace', 'uid', 'resourceVersion', 'creationTimestamp', 'deletionTimestamp']),
    labels: pick(metadata.labels, keptLabels),
    annotations: pick(metadata.annotations, keptAnnotations),
  };
}

type Container = NonNullable<Pod['spec']>['containers'][number];
type Condition = Pick<
  NonNullable<NonNullable<Job['status']>['conditions']>[number],
  'type' | 'status' | 'lastTransitionTime' | 'reason' | 'message'
>;
type ContainerStatuses = NonNullable<NonNullable<Pod['status']>['containerStatuses']>;

function containers<K extends string>(
  key: K,
  statuses: ContainerStatuses | undefined,
): { [key in K]?: ContainerStatuses } {
  if (statuses === undefined) return {};
  return { [key]: statuses.map(containerStatus) } as { [key in K]: ContainerStatuses };
}

/** The image is told of while it cannot be pulled. */
function containerStatus({ name, image, state }: ContainerStatuses[number]): object {
  const { waiting, running, terminated } = state ?? {};
  return {
    name,
    ...(waiting && { image, state: { waiting } }),
    ...(running && { state: { running } }),
    ...(terminated && {
      state: { terminated: pick(terminated, ['exitCode', 'reason', 'message', 'startedAt', 'finishedAt']) },
    }),
  };
}

function pick<T extends object, K extends keyof T>(value: T | undefined, keys: readonly K[]): Pick<T, K> {
  if (value === undefined) return {} as Pick<T, K>;
  return Object.fromEntries(keys.flatMap((key) => (value[key] === undefined ? [] : [[key, value[key]]]))) as Pick<T, K>;
}

/** Nothing has changed that is kept, such as the number of ready pods of a Job. */
export function isUnchanged<T extends KubeObject>(
  before: Stored<T> | undefined,
  after: Stored<T> | undefined,
): boolean {
  if (before === undefined || after === undefined) return false;
  const { resourceVersion } = after.metadata;
  return isDeepStrictEqual({ ...before, metadata: { ...before.metadata, resourceVersion } }, after);
}
