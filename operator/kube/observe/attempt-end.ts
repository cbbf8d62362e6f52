import { constants } from 'node:os';
import type { StageResult } from '../../../trainer/contract/files/progress.ts';
import { lastLine } from '../../core/last-line.ts';
import type { AttemptExit } from '../../core/observed.ts';
import { fetchContainer, trainerContainer } from '../objects/attempt-job.ts';
import { hasEnded } from '../objects/pod.ts';
import type { Pod } from '../client/resources.ts';
import { resultOf } from './termination-message.ts';

export type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];

/** How the pod of an attempt ended, as far as it is known. */
export interface PodEnd {
  readonly at?: number;
  readonly exit: AttemptExit;
  readonly result?: StageResult;
}

const outOfMemoryWords = /heap out of memory|bad_alloc|bad allocation|Cannot allocate memory|ENOMEM/;
/** The kubelet takes so much of the end of a log for the message of a container that left none. */
const longestLogBytes = 2048;
/** By which a kubelet ends the containers of a pod that is deleted. */
const deletionSignals = new Set(['SIGTERM', 'SIGKILL']);
const signals = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/** The DisruptionTarget condition of a pod says who ended it. */
const disruptions: Record<string, AttemptExit['cause']> = {
  PreemptionByScheduler: 'preempted',
  DeletionByTaintManager: 'nodeLost',
  DeletionByPodGC: 'nodeLost',
  EvictionByEvictionAPI: 'evicted',
  TerminationByKubelet: 'evicted',
};

export function trainerStatus(pod: Pod): ContainerStatus | undefined {
  return pod.status?.containerStatuses?.find(({ name }) => name === trainerContainer);
}

/** The container that ended the pod: the trainer, or the one before it that fetches a model and failed. */
function lastStatus(pod: Pod): ContainerStatus | undefined {
  const trainer = trainerStatus(pod);
  if (trainer?.state?.terminated !== undefined) return trainer;
  const fetch = pod.status?.initContainerStatuses?.find(({ name }) => name === fetchContainer);
  return fetch?.state?.terminated !== undefined && fetch.state.terminated.exitCode !== 0 ? fetch : undefined;
}

/**
 * Its trainer has ended by itself, but another container goes on, such as a sidecar that somebody injected: it would hold
 * the pod, its GPUs and its volume for ever.
 */
export function isOutlived(pod: Pod): boolean {
  const others = pod.status?.containerStatuses?.filter(({ name }) => name !== trainerContainer) ?? [];
  return (
    !hasEnded(pod) &&
    pod.metadata?.deletionTimestamp === undefined &&
    trainerStatus(pod)?.state?.terminated !== undefined &&
    others.some(({ state }) => state?.running !== undefined)
  );
}

/** Its trainer, or what comes before it, has ended, or it is being deleted: something follows from that. */
export function isEnding(pod: Pod): boolean {
  return hasEnded(pod) || lastStatus(pod) !== undefined || pod.metadata?.deletionTimestamp !== undefined;
}

/** The condition by which Kubernetes says why it ends a pod. */
export function disruption(pod: Pod): { readonly reason: string; readonly message: string } | undefined {
  const found = pod.status?.conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True');
  return found === undefined ? undefined : { reason: found.reason ?? '', message: found.message ?? '' };
}

/**
 * How a pod ended.
 *
 * @param deletedAt when its object was seen to go, of one that is gone
 */
export function podEnd(pod: Pod, attemptDirectory: string, deletedAt?: number): PodEnd {
  const terminated = lastStatus(pod)?.state?.terminated;
  const result = resultOf(terminated?.message, attemptDirectory);
  // A kubelet that did not see the container end gives null for the time.
  const at = terminated?.finishedAt ? Date.parse(terminated.finishedAt) : deletedAt;
  const cause = causeOf(pod) ?? (wasDeleted(pod, deletedAt) ? 'deleted' : undefined);
  const detail = detailOf(pod, cause, result === undefined ? terminated?.message : undefined);
  return {
    ...(at === undefined ? {} : { at }),
    ...(result === undefined ? {} : { result }),
    exit: {
      ...(terminated === undefined ? unseenEnd(pod, cause) : processExit(terminated.exitCode)),
      ...(cause === undefined ? {} : { cause }),
      ...(detail === '' ? {} : { detail }),
    },
  };
}

function causeOf(pod: Pod): AttemptExit['cause'] {
  const terminated = lastStatus(pod)?.state?.terminated;
  const { reason: evictedBy } = pod.status ?? {};
  if (terminated?.reason === 'OOMKilled') return 'outOfMemory';
  const cause = disruptions[disruption(pod)?.reason ?? ''];
  if (cause !== undefined) return cause;
  // A kubelet that evicts or refuses a pod gives a reason to the pod as a whole: Evicted, NodeShutdown, OutOfcpu.
  if (evictedBy === 'NodeLost') return 'nodeLost';
  if (evictedBy !== undefined && evictedBy !== '' && evictedBy !== 'DeadlineExceeded') return 'evicted';
  const words = terminated?.exitCode === 0 ? '' : (terminated?.message ?? '');
  return outOfMemoryWords.test(words) ? 'outOfMemory' : undefined;
}

/** Whoever deletes a pod ends its trainer: with time to save, without, or by force, when nobody may see how it ended. */
function wasDeleted(pod: Pod, deletedAt: number | undefined): boolean {
  const { running, terminated } = trainerStatus(pod)?.state ?? {};
  if (pod.metadata?.deletionTimestamp === undefined && deletedAt === undefined) return false;
  if (terminated === undefined) return running !== undefined;
  return deletionSignals.has(processExit(terminated.exitCode).signal ?? '');
}

/** Of a process that a signal ended, a container runtime gives 128 plus the number of the signal. */
function processExit(exitCode: number): AttemptExit {
  const signal = exitCode > 128 ? signals.get(exitCode - 128) : undefined;
  return signal === undefined ? { code: exitCode } : { code: exitCode, signal };
}

/** Nobody saw the container end: its pod was deleted by force, or never got as far as a container. */
function unseenEnd(pod: Pod, cause: AttemptExit['cause']): AttemptExit {
  if (cause !== undefined) return {};
  return trainerStatus(pod)?.state?.running === undefined ? { neverRan: true } : { signal: 'SIGKILL' };
}

/** The last words of the process, or why its pod had to go. */
function detailOf(pod: Pod, cause: AttemptExit['cause'], message: string | undefined): string {
  const why = disruption(pod)?.message ?? pod.status?.message ?? memoryWords(pod);
  const words = lastLine(message ?? '', { cut: Buffer.byteLength(message ?? '') >= longestLogBytes });
  if (why !== '') return why.slice(0, 1000);
  if (words !== '') return words.slice(0, 1000);
  return cause === 'deleted' || pod.metadata?.deletionTimestamp === undefined ? '' : 'its pod was deleted';
}

/** A container that is killed for its memory has no last words. */
function memoryWords(pod: Pod): string {
  const ended = lastStatus(pod);
  if (ended?.state?.terminated?.reason !== 'OOMKilled') return '';
  const limit = pod.spec?.containers.find(({ name }) => name === ended.name)?.resources?.limits?.['memory'];
  return limit === undefined ? 'its node had none left' : `its limit is ${limit}`;
}
