import { learnerServiceName, rolloutJobName, rolloutSecretName } from '../../core/names.ts';
import type { Job } from '../client/resources.ts';
import type { Attempt } from './attempt.ts';
import { gpusInWords, queueLabel } from './attempt-job.ts';
import { deviceOf } from './gpus.ts';
import { ownedBy, podSelector, stageLabels } from './labels.ts';
import { mounts, rolloutPort, rolloutTokenFile } from './layout.ts';
import { container, podMetadata, resourcesOf, restrictedPod } from './pod-spec.ts';

export const rolloutContainer = 'rollout';

/**
 * Pods that generate completions for the learner of an attempt. They hold nothing: a lost one costs time. So they
 * are restarted for ever, and the operator deletes the Job when the attempt has ended.
 */
export function rolloutJob(attempt: Pick<Attempt, 'stage' | 'number' | 'image' | 'madeWith'>): Job {
  const { stage, number } = attempt;
  const { rolloutWorkers, queue } = stage.spec;
  const device = deviceOf(stage.spec);
  const name = rolloutJobName(stage.metadata.name, number);
  const labels = { ...stageLabels(stage), ...podSelector(stage, number, 'rollout-worker') };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name,
      ...(stage.metadata.namespace === undefined ? {} : { namespace: stage.metadata.namespace }),
      labels: { ...labels, ...queueLabel(queue) },
      annotations: { ...attempt.madeWith, ...gpusInWords(stage.spec) },
      ownerReferences: ownedBy(stage),
    },
    spec: {
      completionMode: 'Indexed', // the one mode in which workers can be added while they run
      completions: rolloutWorkers,
      parallelism: rolloutWorkers,
      backoffLimit: 1_000_000,
      ...(queue === undefined ? {} : { suspend: true }),
      template: {
        metadata: podMetadata(stage.spec, labels),
        spec: restrictedPod(stage, {
          restartPolicy: 'OnFailure',
          terminationGracePeriodSeconds: 5, // there is nothing to save
          containers: [
            container(attempt, {
              name: rolloutContainer,
              command: [
                'r1-trainer',
                'rollout',
                '--learner',
                `http://${learnerServiceName(stage.metadata.name, number)}:${rolloutPort}`,
                '--token-file',
                rolloutTokenFile,
                ...(device === undefined ? [] : ['--device', device]),
              ],
              volumeMounts: [{ name: 'rollout', mountPath: mounts.rollout, readOnly: true }],
              resources: resourcesOf(stage.spec),
            }),
          ],
          volumes: [
            {
              name: 'rollout',
              secret: { secretName: rolloutSecretName(stage.metadata.name, stage.metadata.uid ?? '', number) },
            },
          ],
        }),
      },
    },
  };
}
