import { defaultTerminationGracePeriodSeconds, type Resources } from '../../api/scheduling.ts';
import type { StageSpec } from '../../api/stage.ts';
import type { Pod } from '../client/resources.ts';
import type { Attempt } from './attempt.ts';
import { mounts } from './layout.ts';

export type PodSpec = NonNullable<Pod['spec']>;
export type Container = PodSpec['containers'][number];
export type PodVolume = NonNullable<PodSpec['volumes']>[number];
export type VolumeMount = NonNullable<Container['volumeMounts']>[number];
type ResourceRequirements = NonNullable<Container['resources']>;
type Toleration = NonNullable<PodSpec['tolerations']>[number];

/** A pod that Pod Security's `restricted` profile admits and that has no token for the API server. */
export function restrictedPod(
  { spec }: Attempt['stage'],
  pod: Pick<PodSpec, 'containers' | 'restartPolicy'> & Partial<PodSpec>,
): PodSpec {
  const { nodeSelector, affinity, topologySpreadConstraints, runtimeClassName, priorityClassName } = spec;
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 1000,
      runAsGroup: 1000,
      fsGroup: 1000,
      fsGroupChangePolicy: 'OnRootMismatch', // a full walk over the checkpoints takes minutes
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds ?? defaultTerminationGracePeriodSeconds,
    tolerations: tolerationsOf(spec),
    ...(nodeSelector === undefined ? {} : { nodeSelector }),
    ...(affinity === undefined ? {} : { affinity }),
    ...(topologySpreadConstraints === undefined
      ? {}
      : {
          topologySpreadConstraints: topologySpreadConstraints as unknown as NonNullable<
            PodSpec['topologySpreadConstraints']
          >,
        }),
    ...(runtimeClassName === undefined ? {} : { runtimeClassName }),
    ...(priorityClassName === undefined ? {} : { priorityClassName }),
    ...(spec.imagePullSecrets.length === 0
      ? {}
      : { imagePullSecrets: spec.imagePullSecrets.map((name) => ({ name })) }),
    ...pod,
  };
}

/** A container of the trainer's image. */
export function container(
  attempt: Pick<Attempt, 'stage' | 'image'>,
  {
    name,
    command,
    volumeMounts = [],
    env = [],
    resources,
  }: Pick<Container, 'name' | 'command' | 'env' | 'resources' | 'volumeMounts'>,
): Container {
  return {
    name,
    image: attempt.stage.spec.image ?? attempt.image,
    ...(command === undefined ? {} : { command }),
    env: [{ name: 'HOME', value: '/tmp' }, ...env],
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    ...(resources === undefined ? {} : { resources }),
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [...volumeMounts, { name: 'tmp', mountPath: '/tmp' }],
  };
}

export const temporaryVolume: PodVolume = { name: 'tmp', emptyDir: {} };

/**
 * A node that is gone is given up after ten seconds instead of five minutes: attempts write in directories of their
 * own, so the next one need not wait for a kubelet that does not answer.
 */
function tolerationsOf({ tolerations = [] }: StageSpec): Toleration[] {
  const own = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].flatMap((key) =>
    tolerations.some((each) => each.key === key)
      ? []
      : [{ key, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 10 }],
  );
  return [...tolerations.map((each) => withoutUndefined(each)), ...own];
}

/** Resources of a container; quantities that the manifest gives as numbers become text, as the API's types want it. */
export function resourcesOf(resources: Resources | undefined): ResourceRequirements | undefined {
  if (resources === undefined) return undefined;
  return {
    ...(resources.limits === undefined ? {} : { limits: texts(resources.limits) }),
    ...(resources.requests === undefined ? {} : { requests: texts(resources.requests) }),
  };
}

/** The same without devices, for a container that runs before the one that needs them. */
export function withoutDevices(resources: ResourceRequirements | undefined): ResourceRequirements | undefined {
  const limits = plainResources(resources?.limits);
  const requests = plainResources(resources?.requests);
  if (Object.keys({ ...limits, ...requests }).length === 0) return undefined;
  return {
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
    ...(Object.keys(requests).length === 0 ? {} : { requests }),
  };
}

/** Devices are named after their vendor's domain, as in `nvidia.com/gpu`. */
function plainResources(quantities: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(quantities).filter(([name]) => !name.includes('/')));
}

/** GPUs of one pod: of every vendor whose device plugin follows the custom of naming them `<vendor>/gpu`. */
export function gpusOf(resources: Resources | undefined): number {
  const all = { ...resources?.requests, ...resources?.limits };
  return Object.entries(all)
    .filter(([name]) => name.endsWith('/gpu'))
    .reduce((sum, [, quantity]) => sum + (Number(quantity) || 0), 0);
}

/** The pipeline's volumes of files, below `/r1/files`. */
export function fileVolumes({ volumes }: StageSpec): { volumes: PodVolume[]; volumeMounts: VolumeMount[] } {
  return {
    volumes: volumes.map(({ configMap, claim }, index) => ({
      name: `files-${index}`,
      ...(configMap === undefined ? {} : { configMap: { name: configMap } }),
      ...(claim === undefined ? {} : { persistentVolumeClaim: { claimName: claim } }),
    })),
    volumeMounts: volumes.map(({ path, subPath }, index) => ({
      name: `files-${index}`,
      mountPath: `${mounts.files}/${path}`,
      readOnly: true,
      ...(subPath === '' ? {} : { subPath }),
    })),
  };
}

function texts(quantities: Readonly<Record<string, string | number>>): Record<string, string> {
  return Object.fromEntries(Object.entries(quantities).map(([name, value]) => [name, String(value)]));
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
