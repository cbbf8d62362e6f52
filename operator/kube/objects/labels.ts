import { apiVersion, labels } from '../../api/resources/metadata.ts';
import type { R1Pipeline } from '../../api/resources/pipeline.ts';
import type { R1Stage } from '../../api/resources/stage.ts';
import type { Job } from '../client/resources.ts';

/** Labels of Jobs and pods besides those of `api/metadata.ts`. */
export const attemptLabels = {
  attempt: 'r1.dev/attempt',
  /** The R1Stage object: one that was deleted and made anew under the same name is another one. */
  stageUid: 'r1.dev/stage-uid',
  component: 'app.kubernetes.io/component',
} as const;

/** Of a pod of an Indexed Job, by Kubernetes: the number of a rollout worker. */
export const completionIndexLabel = 'batch.kubernetes.io/job-completion-index';

/** On the Job of an attempt: `attemptDigest` of the R1Stage's spec that it was made from; on a claim: the digest of its own. */
export const madeFromAnnotation = 'r1.dev/made-from';
/** On a Job: a digest of what the operator's defaults added to its stage. */
export const defaultsAnnotation = 'r1.dev/defaults';
/** The same for its image, where the stage names none. */
export const defaultImageAnnotation = 'r1.dev/default-image';
/** On a Job: GPUs of one of its pods. */
export const gpusAnnotation = 'r1.dev/gpus';
/** `settingsDigest` of the same. */
export const settingsAnnotation = 'r1.dev/settings';

/** On a claim: UID of the pipeline or stage that it was made for, also when it does not go with that. */
export const madeByAnnotation = 'r1.dev/made-by';

export const managedBy = { 'app.kubernetes.io/managed-by': 'r1-operator' } as const;

type OwnerReferences = NonNullable<NonNullable<Job['metadata']>['ownerReferences']>;

export type Component = 'trainer' | 'rollout-worker';

/** What every object of a stage carries. */
export function stageLabels({ metadata, spec }: R1Stage): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'r1-stage',
    'app.kubernetes.io/part-of': spec.pipeline,
    ...managedBy,
    [labels.pipeline]: spec.pipeline,
    [labels.stage]: spec.stage,
    [attemptLabels.stageUid]: metadata.uid ?? '',
  };
}

/** What tells the pods of one attempt from all others. */
export function podSelector(stage: R1Stage, attempt: number, component: Component): Record<string, string> {
  return {
    [attemptLabels.stageUid]: stage.metadata.uid ?? '',
    [attemptLabels.attempt]: String(attempt),
    [attemptLabels.component]: component,
  };
}

/** Makes the garbage collector delete the owned object together with its owner. */
export function ownedBy({ kind, metadata }: R1Stage | R1Pipeline): OwnerReferences {
  return [{ apiVersion, kind, name: metadata.name, uid: metadata.uid ?? '', controller: true }];
}
