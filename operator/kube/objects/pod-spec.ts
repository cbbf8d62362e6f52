import { defaultRequests, defaultTerminationGracePeriodSeconds } from '../../api/resources/scheduling.ts';
import type { StageSpec } from '../../api/resources/stage.ts';
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
  const { serviceAccountName, schedulerName, resourceClaims } = spec;
  const { supplementalGroups, ...ids } = spec.securityContext ?? defaultSecurityContext;
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      ...withoutUndefined(ids),
      ...(supplementalGroups === undefined ? {} : { supplementalGroups: [...supplementalGroups] }),
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
    ...(serviceAccountName === undefined ? {} : { serviceAccountName }),
    ...(schedulerName === undefined ? {} : { schedulerName }),
    ...(resourceClaims === undefined
      ? {}
      : { resourceClaims: resourceClaims.map((claim) => withoutUndefined({ ...claim, gpus: undefined })) }),
    ...(spec.imagePullSecrets.length === 0
      ? {}
      : { imagePullSecrets: spec.imagePullSecrets.map((name) => ({ name })) }),
    ...pod,
    volumes: [
      ...(pod.volumes ?? []),
      { name: 'tmp', emptyDir: {} },
      ...(spec.sharedMemory === undefined
        ? []
        : [{ name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: String(spec.sharedMemory) } }]),
    ],
  };
}

/** User and group are those of the image, or of the namespace's range; a new volume belongs to root. */
const defaultSecurityContext: NonNullable<StageSpec['securityContext']> = { fsGroup: 1000 };

/** A sidecar is of no use to a pod that talks to nobody, and its end would not follow that of the trainer. */
const noSidecars = {
  'sidecar.istio.io/inject': 'false',
  'linkerd.io/inject': 'disabled',
  'vault.hashicorp.com/agent-inject': 'false',
};

/** Labels and annotations of a stage's pods: the operator's own before those of the manifest. */
export function podMetadata(
  { podLabels, podAnnotations }: StageSpec,
  own: Record<string, string>,
): { labels: Record<string, string>; annotations: Record<string, string> } {
  const annotations = { ...noSidecars, ...podAnnotations };
  const istio = 'sidecar.istio.io/inject'; // read as a label first, and as an annotation by older ones
  return { labels: { [istio]: annotations[istio], ...podLabels, ...own }, annotations };
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
  }: Pick<Container, 'name' | 'command' | 'env' | 'volumeMounts'> & { resources: ResourceRequirements },
): Container {
  const { spec } = attempt.stage;
  return {
    name,
    image: spec.image ?? attempt.image,
    ...(command === undefined ? {} : { command }),
    env: [{ name: 'HOME', value: '/tmp' }, ...env, ...(spec.env ?? [])],
    ...(spec.envFrom === undefined
      ? {}
      : { envFrom: spec.envFrom.map(({ configMap }) => ({ configMapRef: { name: configMap } })) }),
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    resources,
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      ...volumeMounts,
      { name: 'tmp', mountPath: '/tmp' },
      ...(spec.sharedMemory === undefined ? [] : [{ name: 'shm', mountPath: '/dev/shm' }]),
    ],
  };
}

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

/**
 * Resources of the container that computes: what the manifest says, and requests for what it says nothing about.
 * Quantities that it gives as numbers become text, as the API's types want it.
 */
export function resourcesOf({ resources, resourceClaims }: StageSpec): ResourceRequirements {
  const [limits, requests] = [texts(resources?.limits), texts(resources?.requests)];
  const missing = Object.entries(defaultRequests).filter(([name]) => limits[name] === undefined);
  return {
    ...(resources?.limits === undefined ? {} : { limits }),
    requests: { ...Object.fromEntries(missing), ...requests },
    ...(resourceClaims === undefined ? {} : { claims: resourceClaims.map(({ name }) => ({ name })) }),
  };
}

/** The same without devices, for a container that runs before the one that needs them. */
export function withoutDevices({ limits, requests }: ResourceRequirements): ResourceRequirements {
  return {
    ...(limits === undefined ? {} : { limits: plainResources(limits) }),
    requests: plainResources(requests),
  };
}

/** Devices are named after their vendor's domain, as in `nvidia.com/gpu`. */
function plainResources(quantities: Record<string, string> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(quantities).filter(([name]) => !name.includes('/')));
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

function texts(quantities: Readonly<Record<string, string | number>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(quantities).map(([name, value]) => [name, String(value)]));
}

function withoutUndefined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
