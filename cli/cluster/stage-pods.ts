import { attemptLabels, type Component } from '../../operator/kube/objects/labels.ts';
import { attemptOf, trainerContainer } from '../../operator/kube/objects/attempt-job.ts';
import type { Pod, Stored } from '../../operator/kube/client/resources.ts';
import { pendingReason } from '../../operator/kube/observe/pending-reason.ts';

const ourContainers: ReadonlySet<string> = new Set([trainerContainer, 'rollout']);

/** Which of a stage's pods is asked for. */
export interface PodChoice {
  readonly attempt?: number | undefined;
  /** Index of a rollout worker; the trainer if absent. */
  readonly rollout?: number | undefined;
}

/** The pods that were asked for, newest attempt first, and the newest pod of an attempt first. */
export function choosePods(pods: readonly Stored<Pod>[], { attempt, rollout }: PodChoice): Stored<Pod>[] {
  const component: Component = rollout === undefined ? 'trainer' : 'rollout-worker';
  return pods
    .filter(({ metadata: { labels } }) => labels?.[attemptLabels.component] === component)
    .filter((pod) => attempt === undefined || attemptNumber(pod) === attempt)
    .filter((pod) => rollout === undefined || indexOf(pod) === rollout)
    .toSorted((a, b) => attemptNumber(b) - attemptNumber(a) || (bornAt(a) < bornAt(b) ? 1 : -1));
}

export function attemptNumber({ metadata }: Stored<Pod>): number {
  return attemptOf(metadata.labels);
}

/** The container of ours, beside what clusters may have added. */
export function containerOf({ spec }: Stored<Pod>): { readonly name: string } | undefined {
  return spec?.containers.find(({ name }) => ourContainers.has(name));
}

/** What its container has printed can be read: that of this start, or that of the one before. */
export function readableLog(pod: Stored<Pod>): 'current' | 'previous' | undefined {
  const container = ownContainer(pod);
  if (container?.state?.running !== undefined || container?.state?.terminated !== undefined) return 'current';
  return container?.lastState?.terminated === undefined ? undefined : 'previous';
}

/** Its container runs no more, and never will again. */
export function isOver(pod: Stored<Pod>): boolean {
  const { spec, status } = pod;
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return true;
  return spec?.restartPolicy === 'Never' && ownContainer(pod)?.state?.terminated !== undefined;
}

/** Why it has not begun. */
export function whyWaiting(pod: Stored<Pod>): string {
  const reason = ownContainer(pod)?.state?.waiting?.reason;
  return pendingReason(undefined, pod, undefined)?.waiting ?? reason ?? 'it has just been made';
}

function ownContainer({ status }: Stored<Pod>) {
  return status?.containerStatuses?.find(({ name }) => ourContainers.has(name));
}

function indexOf({ metadata }: Stored<Pod>): number {
  const key = 'batch.kubernetes.io/job-completion-index';
  return Number(metadata.labels?.[key] ?? metadata.annotations?.[key]);
}

function bornAt({ metadata }: Stored<Pod>): string {
  return metadata.creationTimestamp;
}
