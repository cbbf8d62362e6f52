import { exitCodes } from '../../../trainer/contract/process/exit-codes.ts';
import { judgesBesideRewards } from '../../../trainer/contract/settings/judge.ts';
import { makersOf, type R1Stage, type StageSpec } from '../../api/resources/stage.ts';
import { attemptName, pipelineDirectory, reviewSecretName, rolloutSecretName } from '../../core/names.ts';
import { settingsDigest } from '../../core/settings-digest.ts';
import type { Job } from '../client/resources.ts';
import type { Attempt } from './attempt.ts';
import { gpusOf } from './gpus.ts';
import {
  attemptLabels,
  gpusAnnotation,
  madeFromAnnotation,
  ownedBy,
  podSelector,
  settingsAnnotation,
  stageLabels,
} from './labels.ts';
import { mounts, servesPage } from './layout.ts';
import {
  container,
  fileVolumes,
  podMetadata,
  resourcesOf,
  restrictedPod,
  withoutDevices,
  type Container,
  type PodSpec,
  type PodVolume,
  type VolumeMount,
} from './pod-spec.ts';
import { stageConfigMapName } from './stage-config-map.ts';

export const trainerContainer = 'trainer';
export const fetchContainer = 'fetch-model';

/**
 * A Job controller whose create was answered late makes two pods of one Job. The one that finds the other at work ends: it must
 * not take the other with it.
 */
const secondPodRule = {
  action: 'Ignore',
  onExitCodes: { containerName: trainerContainer, operator: 'In', values: [exitCodes.anotherWriter] },
};

/**
 * The Job of one attempt. It is created once and never applied again, as queueing systems own `suspend` and the node
 * selectors of its template from then on. The operator counts attempts, so the Job itself retries nothing.
 */
export function attemptJob(attempt: Attempt): Job {
  const { stage, number } = attempt;
  const { queue } = stage.spec;
  const labels = { ...stageLabels(stage), ...podSelector(stage, number, 'trainer') };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: attemptName(stage.metadata.name, number),
      ...(stage.metadata.namespace === undefined ? {} : { namespace: stage.metadata.namespace }),
      labels: { ...labels, ...queueLabel(queue) },
      annotations: {
        [madeFromAnnotation]: attempt.madeFrom,
        [settingsAnnotation]: settingsDigest(stage.spec),
        ...attempt.madeWith,
        ...gpusInWords(stage.spec),
      },
      ownerReferences: ownedBy(stage),
    },
    spec: {
      backoffLimit: 0,
      completions: 1,
      parallelism: 1,
      podReplacementPolicy: 'Failed',
      podFailurePolicy: { rules: [secondPodRule] },
      ...(queue === undefined ? {} : { suspend: true }),
      template: { metadata: podMetadata(stage.spec, labels), spec: trainerPod(attempt) },
    },
  };
}

/** Hands a Job to Kueue. */
export function queueLabel(queue: string | undefined): Record<string, string> {
  return queue === undefined ? {} : { 'kueue.x-k8s.io/queue-name': queue };
}

/** For a Job: what it holds is counted by what it was made of, whatever its stage asks for by then. */
export function gpusInWords(spec: StageSpec): Record<string, string> {
  const gpus = gpusOf(spec);
  return gpus === 0 ? {} : { [gpusAnnotation]: String(gpus) };
}

/** Number of the attempt that a Job or pod belongs to; 0 for a stranger. */
export function attemptOf(labels: Record<string, string> | undefined): number {
  const number = Number(labels?.[attemptLabels.attempt]);
  return Number.isInteger(number) && number > 0 ? number : 0;
}

function trainerPod(attempt: Attempt): PodSpec {
  const { stage, claim } = attempt;
  const { spec } = stage;
  const { hf, pvc } = spec.model ?? {};
  const directory = pipelineDirectory(stage);
  const files = fileVolumes(spec);
  const rollout = spec.rolloutWorkers > 0;

  const named: PodVolume[] = [
    { name: 'stage', configMap: { name: stageConfigMapName(attempt) } },
    { name: 'volume', persistentVolumeClaim: { claimName: claim } },
    ...(pvc === undefined ? [] : [{ name: 'base', persistentVolumeClaim: { claimName: pvc.claim, readOnly: true } }]),
    ...(rollout
      ? [
          {
            name: 'rollout',
            secret: { secretName: rolloutSecretName(stage.metadata.name, stage.metadata.uid ?? '', attempt.number) },
          },
        ]
      : []),
    ...(servesPage(spec)
      ? [{ name: 'review', secret: { secretName: reviewSecretName(stage.metadata.name, stage.metadata.uid ?? '') } }]
      : []),
    ...files.volumes,
  ];
  const mounted: VolumeMount[] = [
    { name: 'stage', mountPath: mounts.stageFile, subPath: 'stage.json', readOnly: true },
    { name: 'volume', mountPath: mounts.out, subPath: `${directory}/${spec.stage}` },
    ...makersOf(spec).map((name) => ({
      name: 'volume',
      mountPath: `${mounts.in}/${name}`,
      subPath: `${directory}/${name}`,
      readOnly: true,
    })),
    ...(pvc === undefined ? [] : [baseMount(pvc.path)]),
    ...(hf === undefined ? [] : [hubMount(stage, { readOnly: true })]),
    ...(rollout ? [{ name: 'rollout', mountPath: mounts.rollout, readOnly: true }] : []),
    ...(servesPage(spec) ? [{ name: 'review', mountPath: mounts.review, readOnly: true }] : []),
    ...files.volumeMounts,
  ];
  const { volumes, volumeMounts } = oneVolumeAClaim(named, mounted);
  return restrictedPod(stage, {
    restartPolicy: 'Never',
    ...(hf === undefined ? {} : { initContainers: [fetchModel(attempt, hf)] }),
    containers: [
      container(attempt, {
        name: trainerContainer,
        command: ['r1-trainer', 'run', '--stage', mounts.stageFile, '--result', '/dev/termination-log'],
        env: serviceTokens(spec),
        volumeMounts,
        resources: resourcesOf(spec),
      }),
    ],
    volumes,
  });
}

/** Tokens of services that score, compare or judge: variables of the one container that asks them. */
function serviceTokens({ grpo, sample, datasets }: StageSpec): NonNullable<Container['env']> {
  const ofRewards = (grpo?.rewards ?? []).flatMap(({ http, judge }) => http?.token ?? judge?.endpoint?.token ?? []);
  const ofVerifiers = datasets.flatMap(({ answer }) => answer?.verifier?.http?.token ?? []);
  const ofJudges = judgesBesideRewards({ grpo, sample }).flatMap(({ endpoint }) => endpoint?.token ?? []);
  const tokens = [...ofRewards, ...ofVerifiers, ...ofJudges];
  const byVariable = new Map(tokens.map(({ variable, secret }) => [variable, secret]));
  return [...byVariable].flatMap(([name, secret]) =>
    secret === undefined ? [] : [{ name, valueFrom: { secretKeyRef: { name: secret, key: 'token' } } }],
  );
}

/** Kubelets mount a claim once a pod: one with two volumes of the same claim waits for the second for ever. */
function oneVolumeAClaim(
  named: readonly PodVolume[],
  mounted: readonly VolumeMount[],
): { volumes: PodVolume[]; volumeMounts: VolumeMount[] } {
  const firstOf = (name: string): string => {
    const claim = claimOf(named.find((each) => each.name === name));
    return named.find((each) => claim !== undefined && claimOf(each) === claim)?.name ?? name;
  };
  return {
    volumes: named.filter(({ name }) => firstOf(name) === name),
    volumeMounts: mounted.map((mount) => ({ ...mount, name: firstOf(mount.name) })),
  };
}

function claimOf(volume: PodVolume | undefined): string | undefined {
  return volume?.persistentVolumeClaim?.claimName;
}

function baseMount(path: string): VolumeMount {
  const subPath = path.replaceAll(/^\/+|\/+$/g, '');
  return { name: 'base', mountPath: mounts.base, readOnly: true, ...(subPath === '' ? {} : { subPath }) };
}

/** Models of the Hub are fetched once for all stages of a pipeline. */
function hubMount(stage: R1Stage, access: Pick<VolumeMount, 'readOnly'>): VolumeMount {
  return { name: 'volume', mountPath: mounts.hub, subPath: `${pipelineDirectory(stage)}/.hub`, ...access };
}

function fetchModel(
  attempt: Attempt,
  { repo, revision, tokenSecret }: NonNullable<NonNullable<StageSpec['model']>['hf']>,
) {
  const { spec } = attempt.stage;
  // Node's fetch goes by HTTPS_PROXY and NO_PROXY only when it is told to.
  const env: NonNullable<Container['env']> = [{ name: 'NODE_USE_ENV_PROXY', value: '1' }];
  if (attempt.hubEndpoint !== undefined) env.push({ name: 'HF_ENDPOINT', value: attempt.hubEndpoint });
  if (tokenSecret !== undefined) {
    env.push({ name: 'HF_TOKEN', valueFrom: { secretKeyRef: { name: tokenSecret, key: 'token' } } });
  }
  return container(attempt, {
    name: fetchContainer,
    command: ['r1-trainer', 'fetch', '--repo', repo, '--revision', revision, '--to', mounts.hub],
    env,
    volumeMounts: [hubMount(attempt.stage, {})],
    resources: withoutDevices(resourcesOf(spec)),
  });
}
