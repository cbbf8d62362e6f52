import { attemptLabels, completionIndexLabel, type Component } from '../../operator/kube/objects/labels.ts';
import { attemptOf } from '../../operator/kube/objects/attempt-job.ts';
import type { ConfigMap, Pod, Stored } from '../../operator/kube/client/resources.ts';
import { ownContainers, ownContainerStatus } from '../../operator/kube/objects/own-container.ts';
import { pendingReason } from '../../operator/kube/observe/pending-reason.ts';

/** Which of a stage's pods is asked for. */
export interface PodChoice {
  readonly attempt?: number | undefined;
  /** Index of a rollout worker; the trainer if absent. */
  readonly rollout?: number | undefined;
}

/** The pods that were asked for, or what was kept of their logs: newest attempt first, and the newest of an attempt first. */
export function chooseNewest<T extends Stored<Pod> | Stored<ConfigMap>>(
  objects: readonly T[],
  { attempt, rollout }: PodChoice,
): T[] {
  const component: Component = rollout === undefined ? 'trainer' : 'rollout-worker';
  return objects
    .filter(({ metadata: { labels } }) => labels?.[attemptLabels.component] === component)
    .filter((each) => attempt === undefined || attemptNumber(each) === attempt)
    .filter((each) => rollout === undefined || indexOf(each) === rollout)
    .toSorted((a, b) => attemptNumber(b) - attemptNumber(a) || (bornAt(a) < bornAt(b) ? 1 : -1));
}

export function attemptNumber({ metadata }: Stored<Pod> | Stored<ConfigMap>): number {
  return attemptOf(metadata.labels);
}

/** The container of ours, beside what clusters may have added. */
export function containerOf({ spec }: Stored<Pod>): { readonly name: string } | undefined {
  return spec?.containers.find(({ name }) => ownContainers.has(name));
}

/** What its container has printed can be read: that of this start, or that of the one before. */
export function readableLog(pod: Stored<Pod>): 'current' | 'previous' | undefined {
  const container = ownContainerStatus(pod);
  if (container?.state?.running !== undefined || container?.state?.terminated !== undefined) return 'current';
  return container?.lastState?.terminated === undefined ? undefined : 'previous';
}

/** Its container runs no more, and never will again. */
export function isOver(pod: Stored<Pod>): boolean {
  const { spec, status } = pod;
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return true;
  return spec?.restartPolicy === 'Never' && ownContainerStatus(pod)?.state?.terminated !== undefined;
}

/** Why it has not begun. */
export function whyWaiting(pod: Stored<Pod>): string {
  const reason = ownContainerStatus(pod)?.state?.waiting?.reason;
  return pendingReason({ job: undefined }, pod)?.waiting ?? reason ?? 'it has just been made';
}

function indexOf({ metadata }: Stored<Pod> | Stored<ConfigMap>): number {
  return Number(metadata.labels?.[completionIndexLabel] ?? metadata.annotations?.[completionIndexLabel]);
}

function bornAt({ metadata }: Stored<Pod> | Stored<ConfigMap>): string {
  return metadata.creationTimestamp;
}
