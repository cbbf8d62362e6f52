import type { AttemptObserved } from '../../core/observed.ts';
import { fetchContainer } from '../objects/attempt-job.ts';
import type { ContainerStatus } from './attempt-end.ts';
import type { Job, Pod } from '../client/resources.ts';
import { queueOf } from './queue-message.ts';

export type Waiting = Required<Pick<AttemptObserved, 'waiting'>> &
  Pick<AttemptObserved, 'waitingReason' | 'volumeGone'>;

/** The claim of a pipeline. */
export interface PipelineClaim {
  readonly name: string;
  /** It was made for the pipeline, and is made anew where it is missing. */
  readonly isOurs: boolean;
}

interface Waits {
  readonly job: Job | undefined;
  readonly claim?: PipelineClaim;
  readonly eventMessage?: string | undefined;
}

const imageReasons = new Set(['ErrImagePull', 'ImagePullBackOff', 'InvalidImageName', 'ErrImageNeverPull']);

/** Why the Job of an attempt has no pod that runs; undefined where that is nothing but a matter of seconds. */
export function pendingReason({ job, claim, eventMessage }: Waits, pod: Pod | undefined): Waiting | undefined {
  if (job?.spec?.suspend === true) return inQueue(job, eventMessage);
  if (pod === undefined) return withoutPod(eventMessage);
  return notScheduled(pod, eventMessage, claim) ?? containerWaits(pod) ?? onVolume(eventMessage) ?? fetching(pod);
}

function inQueue(job: Job, message: string | undefined): Waiting {
  const queue = queueOf(job);
  if (queue === undefined) return { waiting: 'its Job is suspended', waitingReason: 'Queued' };
  const why = message === undefined ? '' : `: ${message}`;
  return { waiting: `waits in queue "${queue}"${why}`, waitingReason: 'Queued' };
}

/** The Job controller says in an event why the API server gave it no pod: a quota, a policy, a class that is not there. */
function withoutPod(eventMessage: string | undefined): Waiting | undefined {
  if (eventMessage === undefined) return undefined;
  const refused = eventMessage.startsWith('FailedCreate:');
  return { waiting: eventMessage, ...(refused && { waitingReason: 'Refused' as const }) };
}

/** The scheduler says in a condition what no node has. */
function notScheduled(
  pod: Pod,
  eventMessage: string | undefined,
  claim: PipelineClaim | undefined,
): Waiting | undefined {
  const scheduled = pod.status?.conditions?.find(({ type }) => type === 'PodScheduled');
  if (scheduled?.status !== 'False') return undefined;
  // What follows is about the pods of others.
  const message = (scheduled.message ?? '').replace(/\.?( no new claims to deallocate,)? preemption: .*$/s, '').trim();
  if (/persistentvolumeclaim/i.test(message)) {
    const missing = /persistentvolumeclaim "([^"]+)" (not found|is being deleted)/.exec(message);
    if (missing === null) return { waiting: eventMessage ?? message, waitingReason: 'VolumeUnavailable' };
    const [, name, what] = missing;
    // Somebody else's claim may be there soon, and its pod then takes it.
    const isGone = name === claim?.name && (what === 'is being deleted' || claim?.isOurs === true);
    const waiting = `claim "${name}" ${what}`;
    return { waiting, waitingReason: 'VolumeUnavailable', ...(isGone && { volumeGone: true as const }) };
  }
  return { waiting: message === '' ? 'no node was found' : message, waitingReason: 'Unschedulable' };
}

function containerWaits(pod: Pod): Waiting | undefined {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const status of statuses) {
    const { reason = '', message = '' } = status.state?.waiting ?? {};
    if (imageReasons.has(reason)) return { waiting: imageWords(status, message), waitingReason: 'ImageUnavailable' };
    if (reason === 'CreateContainerConfigError') return { waiting: message, waitingReason: 'SecretUnavailable' };
    if (/Error$|BackOff$/.test(reason)) return { waiting: message === '' ? reason : `${reason}: ${message}` };
  }
  return undefined;
}

function imageWords({ image }: ContainerStatus, message: string): string {
  // The kubelet's own words repeat the name of the image and nest three times.
  const cause = message.split('\n')[0]?.slice(0, 300) ?? '';
  return `image ${image} cannot be pulled${cause === '' ? '' : `: ${cause}`}`;
}

/** A pod whose volumes cannot be mounted says so in events alone. */
function onVolume(eventMessage: string | undefined): Waiting | undefined {
  if (eventMessage === undefined) return undefined;
  const isSecret = /\b(secret|configmap)\b/i.test(eventMessage);
  return { waiting: eventMessage, waitingReason: isSecret ? 'SecretUnavailable' : 'VolumeUnavailable' };
}

function fetching(pod: Pod): Waiting | undefined {
  const fetch = pod.status?.initContainerStatuses?.find(({ name }) => name === fetchContainer);
  return fetch?.state?.running === undefined ? undefined : { waiting: 'fetches its model from the Hub' };
}
