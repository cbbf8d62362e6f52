import { annotations } from '../../api/resources/metadata.ts';
import type { ProgressLine } from '../../../trainer/contract/files/progress.ts';
import type { AttemptObserved, StopReason } from '../../core/observed.ts';
import { hasEnded } from '../objects/pod.ts';
import { disruption, isEnding, isOutlived, podEnd, trainerStatus, type PodEnd } from './attempt-end.ts';
import { madeFromAnnotation, settingsAnnotation } from '../objects/labels.ts';
import type { Job, Pod } from '../client/resources.ts';
import { pendingReason, type PipelineClaim } from './pending-reason.ts';

/** A pod of an attempt, also after its object is gone. */
export interface ObservedPod {
  readonly pod: Pod;
  /** When its object was seen to go. */
  readonly goneAt?: number;
}

/** All that is left of an attempt in the cluster. */
export interface AttemptObjects {
  readonly number: number;
  readonly gpus: number;
  /** Below the stage's own directory. */
  readonly directory: string;
  /** In its last state, if it is gone and was seen to go. */
  readonly job: Job | undefined;
  readonly jobIsGone: boolean;
  /** The attempt is told by the last one. */
  readonly pods: readonly ObservedPod[];
  readonly progress?: ProgressLine | undefined;
  /** For how long its log is known to have had no new progress line. */
  readonly silentMs?: number;
  /** The claim of its pipeline. */
  readonly claim?: PipelineClaim;
  /** What events say about a pod that waits, or its Workload about a Job in a queue. */
  readonly eventMessage?: string | undefined;
}

const stopReasons = new Set<string>([
  'suspended',
  'shutdown',
  'hung',
  'deadline',
  'startDeadline',
  'budget',
  'replaced',
  'volumeGone',
  'orphaned',
] satisfies StopReason[]);

/** A kubelet that has not answered for so long after a pod's grace has ended is not there any more. */
const lostAfterGraceMs = 30_000;

/**
 * One attempt as `core` sees it. Success is known from the container, a second before its Job completes. A failure is
 * one only when the Job says so: a queueing system may take a Job's pods away and give it others later. Where a sidecar
 * outlives the trainer the Job never says anything, and the trainer's container decides.
 */
export function observeAttempt(objects: AttemptObjects, now: number): AttemptObserved {
  const { number, gpus, directory, job, pods } = objects;
  const newest = pods.at(-1);
  const stopping = stopReasonOf(job);
  const base = {
    number,
    gpus,
    directory,
    ...(newest?.pod.spec?.nodeName === undefined ? {} : { node: newest.pod.spec.nodeName }),
    ...(stopping === undefined ? {} : { stopping }),
    ...(gpus === 0 ? {} : heldSince(newest?.pod)),
    ...(objects.progress === undefined ? {} : { progress: objects.progress }),
    ...madeFromOf(job),
  };
  const end = endOf(objects, now);
  if (end !== undefined) {
    const endedAt = end.at ?? now;
    return {
      ...base,
      state: 'ended',
      startedAt: startOf(newest?.pod) ?? endedAt,
      endedAt,
      exit: end.exit,
      ...(end.result === undefined ? {} : { result: end.result }),
    };
  }
  const startedAt = startOf(newest?.pod);
  const orphaned = objects.jobIsGone && pods.some((each) => isLive(each) && !isAskedToEnd(each.pod));
  const lives = { ...base, ...(orphaned && { orphaned }) };
  if (newest !== undefined && newest.goneAt === undefined && startedAt !== undefined) {
    return { ...lives, state: 'running', startedAt, silentMs: objects.silentMs ?? 0 };
  }
  const live = newest?.goneAt === undefined ? newest?.pod : undefined;
  return {
    ...lives,
    state: 'pending',
    startedAt: Date.parse(job?.metadata?.creationTimestamp ?? newest?.pod.metadata?.creationTimestamp ?? '') || now,
    ...pendingReason(objects, live),
  };
}

/** It has time to end by itself. */
export function isAskedToEnd({ metadata }: Pod): boolean {
  return metadata?.deletionTimestamp !== undefined;
}

/** When the pod will count as lost, of one that is being deleted; nothing happens by itself until then. */
export function lostAt(observed: ObservedPod | undefined): number | undefined {
  if (observed === undefined) return undefined;
  const { pod, goneAt } = observed;
  const { deletionTimestamp } = pod.metadata ?? {};
  return deletionTimestamp === undefined || goneAt !== undefined || hasEnded(pod)
    ? undefined
    : Date.parse(deletionTimestamp) + lostAfterGraceMs;
}

/** It ended without success, as far as its Job says and the pods that are known. */
export function seemsFailed(objects: AttemptObjects, now: number): boolean {
  const end = endOf(objects, now);
  return end !== undefined && !isSuccess(end) && !objects.pods.some(isLive);
}

/** How the attempt ended; undefined while it may still go on. */
function endOf({ job, jobIsGone, pods, directory }: AttemptObjects, now: number): PodEnd | undefined {
  const newest = pods.at(-1);
  const seen = newest && podEnd(newest.pod, directory, newest.goneAt);
  if (seen !== undefined && isSuccess(seen)) return seen;

  const lost = pods.find((each) => isLive(each) && isLost(each, now));
  if (lost !== undefined) {
    const detail = disruption(lost.pod)?.message ?? 'its kubelet is silent';
    return {
      at: now,
      exit: startOf(lost.pod) === undefined ? { neverRan: true, detail } : { cause: 'nodeLost', detail },
    };
  }
  if (seen !== undefined && newest?.goneAt === undefined && newest && isOutlived(newest.pod)) return seen;
  if (pods.some(isLive)) return undefined;
  const verdict = verdictOf(job);
  if (!jobIsGone && verdict === undefined && !isHeldBackForGood(job)) return undefined;
  if (seen !== undefined) return { ...seen, at: seen.at ?? verdict?.at ?? now };
  // A Job that failed before it had a pod, or whose pods are forgotten.
  const detail = verdict?.message ?? (jobIsGone ? 'its Job was deleted' : 'it waited in a queue');
  return { at: verdict?.at ?? now, exit: { neverRan: true, noTrace: true, detail } };
}

function isSuccess({ result, exit }: PodEnd): boolean {
  return result?.outcome === 'succeeded' && exit.code === 0;
}

/** Its object is there, and something of it runs or will. */
export function isLive({ pod, goneAt }: ObservedPod): boolean {
  return goneAt === undefined && !hasEnded(pod);
}

/** What the Job controller has decided. */
function verdictOf(job: Job | undefined): { readonly at: number; readonly message: string } | undefined {
  const found = job?.status?.conditions?.find(
    ({ type, status }) =>
      status === 'True' && ['Complete', 'SuccessCriteriaMet', 'Failed', 'FailureTarget'].includes(type),
  );
  if (found === undefined) return undefined;
  return { at: Date.parse(found.lastTransitionTime ?? ''), message: found.message ?? found.reason ?? '' };
}

/**
 * The node controller makes the pods of a silent node not ready and deletes them, but nobody is there to end them: the
 * object stays until the node is back or gone. A node that answers keeps a pod ready until its container has ended.
 */
function isLost(each: ObservedPod, now: number): boolean {
  const { pod } = each;
  if (pod.metadata?.deletionTimestamp === undefined) return false;
  if (now >= (lostAt(each) ?? Infinity)) return true;
  const isReady = pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  const runs = trainerStatus(pod)?.state?.running !== undefined;
  return disruption(pod)?.reason === 'DeletionByTaintManager' && runs && !isReady;
}

/** A queue keeps it from having pods, and it is to have none any more: it goes once its end is recorded, so that no other takes its name. */
export function isHeldBackForGood(job: Job | undefined): boolean {
  return job?.spec?.suspend === true && stopReasonOf(job) !== undefined;
}

/** Nothing has ended it or a pod of it, and nobody has asked for that. */
export function isUnended(job: Job, pods: readonly Pod[]): boolean {
  return verdictOf(job) === undefined && stopReasonOf(job) === undefined && !pods.some(isEnding);
}

/** A pod that has a node has its GPUs, too. */
function heldSince(pod: Pod | undefined): Pick<AttemptObserved, 'heldSince'> {
  const scheduled = pod?.status?.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'True');
  const since = Date.parse(scheduled?.lastTransitionTime ?? '');
  return Number.isNaN(since) ? {} : { heldSince: since };
}

/** When the trainer's container began to run. */
function startOf(pod: Pod | undefined): number | undefined {
  const { running, terminated } = (pod && trainerStatus(pod)?.state) ?? {};
  const started = running?.startedAt ?? terminated?.startedAt;
  return started === undefined || started === null ? undefined : Date.parse(started);
}

function stopReasonOf(job: Job | undefined): StopReason | undefined {
  const reason = job?.metadata?.annotations?.[annotations.stopReason];
  return reason !== undefined && stopReasons.has(reason) ? (reason as StopReason) : undefined;
}

function madeFromOf(job: Job | undefined): Pick<AttemptObserved, 'madeFrom' | 'settings'> {
  const { [madeFromAnnotation]: madeFrom, [settingsAnnotation]: settings } = job?.metadata?.annotations ?? {};
  return { ...(madeFrom === undefined ? {} : { madeFrom }), ...(settings === undefined ? {} : { settings }) };
}
