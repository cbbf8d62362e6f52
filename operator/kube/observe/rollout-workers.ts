import type { RolloutsObserved } from '../../core/observed.ts';
import type { Job, Pod, Stored } from '../client/resources.ts';
import { attemptOf } from '../objects/attempt-job.ts';
import { isTrainer } from '../objects/ownership.ts';
import { pendingReason } from './pending-reason.ts';

/** Some of their pods could not be made, or may not be yet: only events, or a Workload, say why. */
export function lacksPods({ spec, status }: Job): boolean {
  return spec?.suspend === true || (status?.active ?? 0) < (spec?.parallelism ?? 0);
}

/**
 * The rollout workers of an attempt as `core` sees them.
 *
 * @param eventMessage what is known of pods that could not be made
 */
export function observeWorkers(
  job: Stored<Job>,
  pods: readonly Stored<Pod>[],
  eventMessage: string | undefined,
): RolloutsObserved {
  const { metadata, spec, status } = job;
  const attempt = attemptOf(metadata.labels);
  const [workers, running] = [spec?.parallelism ?? 0, status?.ready ?? 0];
  const waiting = running < workers ? waitingWords(job, podThatWaits(attempt, pods), eventMessage) : undefined;
  return { attempt, workers, running, ...(waiting === undefined ? {} : { waiting }) };
}

function waitingWords(job: Job, pod: Pod | undefined, eventMessage: string | undefined): string | undefined {
  const ofJob = lacksPods(job) ? pendingReason({ job, eventMessage }, undefined) : undefined;
  return (ofJob ?? (pod && pendingReason({ job }, pod)))?.waiting;
}

function podThatWaits(attempt: number, pods: readonly Stored<Pod>[]): Stored<Pod> | undefined {
  return pods.find(
    (pod) =>
      attemptOf(pod.metadata.labels) === attempt &&
      !isTrainer(pod) &&
      pod.status?.phase === 'Pending' &&
      pod.metadata.deletionTimestamp === undefined,
  );
}
