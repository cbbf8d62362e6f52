import { succeededStatus } from '../../../operator/api/resources/conditions.ts';
import { annotations } from '../../../operator/api/resources/metadata.ts';
import type { R1Stage } from '../../../operator/api/resources/stage.ts';
import {
  jobs,
  pods,
  type Job,
  type Pod,
  type Stored,
  type StoredMetadata,
} from '../../../operator/kube/client/resources.ts';
import { attemptOf } from '../../../operator/kube/objects/attempt-job.ts';
import { attemptLabels } from '../../../operator/kube/objects/labels.ts';
import { isTrainer, ownerOf } from '../../../operator/kube/objects/ownership.ts';
import { hasEnded } from '../../../operator/kube/objects/pod.ts';
import { stages } from '../../../operator/kube/objects/r1-kinds.ts';
import { hasNotEnded } from '../../../operator/core/attempts.ts';
import { isOver } from './job-controller.ts';
import type { World } from './world.ts';

/** By the pipeline as it is now. */
export function isOwned({ pipeline }: World, { metadata }: Stored<R1Stage>): boolean {
  return ownerOf(metadata)?.uid === pipeline.metadata.uid;
}

export function saysSuccess({ status }: R1Stage): boolean {
  return succeededStatus(status?.conditions) === 'True';
}

/** Its trainer may write, for all that anybody knows. */
export function mayWrite({ store }: World, job: Stored<Job>): boolean {
  if (isOver(job)) return false;
  const own = podsOf(store, job);
  // Its only pod is gone: the Job controller has yet to notice.
  if (own.length === 0 && job.status?.active !== undefined) return false;
  return own.length === 0 || !own.every(hasEnded);
}

/** It holds a node that answers, or will. */
export function isAtWork(world: World, job: Stored<Job>): boolean {
  const own = podsOf(world.store, job);
  return mayWrite(world, job) && (own.length === 0 || !own.every((pod) => world.cluster.isSilent(pod)));
}

export function goesOn(world: World, job: Stored<Job>): boolean {
  return isAtWork(world, job) && !isStopping(job);
}

export function podsOf(store: World['store'], job: Stored<Job>): Stored<Pod>[] {
  return store.all(pods).filter((pod) => isTrainer(pod) && attemptIn(pod.metadata) === attemptIn(job.metadata));
}

export function isStopping({ metadata }: Stored<Job>): boolean {
  return metadata.annotations?.[annotations.stopReason] !== undefined;
}

export function ownJobs({ store, ownStages }: World): Stored<Job>[] {
  const own = new Set(ownStages.map(({ metadata }) => metadata.uid));
  return store
    .all(jobs)
    .filter((job) => isTrainer(job) && own.has(job.metadata.labels?.[attemptLabels.stageUid] ?? ''));
}

/** The status of its stage says that it has ended. */
export function hasRecordedEnd({ store }: World, { metadata }: Stored<Job>): boolean {
  const stage = store.all(stages).find(({ metadata: { uid } }) => uid === metadata.labels?.[attemptLabels.stageUid]);
  const record = stage?.status?.attempts.find(({ number }) => number === attemptOf(metadata.labels));
  return record !== undefined && !hasNotEnded(record);
}

export function attemptIn({ labels }: StoredMetadata): string {
  return `${labels?.[attemptLabels.stageUid]}/${attemptOf(labels)}`;
}
