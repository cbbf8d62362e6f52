import type { KubeClient } from '../client/client.ts';
import type { AttemptObjects } from './observe-attempt.ts';
import { hasEnded } from '../objects/pod.ts';
import { trainerStatus } from './attempt-end.ts';
import { queueMessage, queueOf } from './queue-message.ts';
import { events, type Event, type Job, type ObjectName, type Pod, type Stored } from '../client/resources.ts';
import type { Component } from '../objects/labels.ts';

export interface PendingPodsOptions {
  readonly client: KubeClient;
  /** The claim that the pods of a stage wait for; undefined when the stage is gone. */
  readonly claimOf: (stageKey: string) => ObjectName | undefined;
  /** Something was found out about the attempt of a stage. */
  readonly onMessage: (stageKey: string) => void;
}

/** A pod that starts in less needs no explanation, and on a busy cluster many take that long; but a Job gets its pod at once, or is refused it. */
const patienceMs = { Pod: 25_000, Job: 5000 };
/** Then its events are read, and again after these times. */
const intervalsMs = [30_000, 60_000, 120_000];
const longestIntervalMs = 300_000;
/** Between two lookups, of whatever pods: an API server goes through all events of a namespace to find those of one object. */
const spacingMs = 2000;

/** A Job and its pods. */
type Awaited = Pick<AttemptObjects, 'number' | 'job' | 'jobIsGone' | 'pods'>;

interface Lookup {
  readonly stageKey: string;
  readonly component: Component;
  objects: Awaited;
  reads: number;
  message?: string | undefined;
}

/**
 * Why a pod does not start, where only its events say it: a Secret that cannot be mounted, a storage class that nobody
 * knows, a quota that lets no pod through. Or why a queue lets it wait, which only its Workload says. These are only read
 * for what waits for long.
 */
export class PendingPods {
  private readonly options: PendingPodsOptions;
  private readonly lookups = new Map<string, Lookup>();
  private nextTurnAt = 0;

  constructor(options: PendingPodsOptions) {
    this.options = options;
  }

  /** What is known so far of an attempt, or of its rollout workers; plans to find out more. */
  messageFor(stageKey: string, objects: Awaited, component: Component = 'trainer'): string | undefined {
    const id = `${stageKey} ${objects.number} ${component}`;
    if (!waits(objects)) {
      this.lookups.delete(id);
      return undefined;
    }
    const known = this.lookups.get(id);
    // What kept a pod waiting says nothing of the queue that its Job has come back to, nor a refusal of the pod that came later.
    if (known !== undefined && asksAbout(known.objects) === asksAbout(objects)) {
      known.objects = objects;
      return known.message;
    }
    const lookup: Lookup = { stageKey, component, objects, reads: 0 };
    this.lookups.set(id, lookup);
    this.plan(id, lookup, patienceMs[podOf(objects) === undefined ? 'Job' : 'Pod']);
    return undefined;
  }

  private plan(id: string, lookup: Lookup, afterMs: number): void {
    setTimeout(() => void this.look(id, lookup), afterMs).unref();
  }

  private async look(id: string, lookup: Lookup): Promise<void> {
    if (this.lookups.get(id) !== lookup) return; // it has started, or has ended
    if (this.options.claimOf(lookup.stageKey) === undefined) {
      this.lookups.delete(id); // its stage is gone
      return;
    }
    const now = performance.now();
    if (now < this.nextTurnAt) {
      this.plan(id, lookup, this.nextTurnAt - now);
      return;
    }
    this.nextTurnAt = now + spacingMs;
    const message = await this.read(lookup).catch(() => lookup.message);
    this.plan(id, lookup, intervalsMs[lookup.reads] ?? longestIntervalMs);
    lookup.reads++;
    if (message === lookup.message) return;
    lookup.message = message;
    this.options.onMessage(lookup.stageKey);
  }

  private async read({ stageKey, component, objects }: Lookup): Promise<string | undefined> {
    const { job } = objects;
    if (job !== undefined && queueOf(job) !== undefined) return queueMessage(this.options.client, job);
    const target = targetOf(objects);
    const claim = component === 'trainer' ? this.options.claimOf(stageKey) : undefined;
    const namespace = target?.metadata?.namespace;
    if (namespace === undefined) return undefined;
    const selectors = [
      `involvedObject.uid=${target?.metadata?.uid}`,
      ...(claim === undefined ? [] : [`involvedObject.kind=PersistentVolumeClaim,involvedObject.name=${claim.name}`]),
    ];
    const found: Stored<Event>[] = [];
    for (const selector of selectors) {
      const query = { fieldSelector: `${selector},type=Warning`, limit: 50 };
      found.push(...(await this.options.client.list(events, namespace, query)).items);
    }
    return newestMessage(found);
  }
}

/** Whose events say why there is no container: those of the pod, or of a Job that has none. */
function targetOf(objects: Awaited): Pod | Job | undefined {
  return podOf(objects) ?? objects.job;
}

function podOf({ pods }: Awaited): Pod | undefined {
  const newest = pods.at(-1);
  return newest?.goneAt === undefined ? newest?.pod : undefined;
}

function asksAbout(objects: Awaited): string {
  return queueOf(objects.job) ?? `uid ${targetOf(objects)?.metadata?.uid}`;
}

/** The newest warning that is not the scheduler's: that one is a condition of the pod. */
function newestMessage(found: readonly Stored<Event>[]): string | undefined {
  const told = found.filter(({ reason }) => reason !== 'FailedScheduling').toSorted((a, b) => timeOf(a) - timeOf(b));
  const newest = told.at(-1);
  return newest?.message === undefined ? undefined : `${newest.reason}: ${newest.message.slice(0, 500)}`;
}

function timeOf({ lastTimestamp, eventTime, metadata }: Stored<Event>): number {
  return Date.parse(lastTimestamp ?? eventTime ?? metadata.creationTimestamp);
}

/** It has no container yet, and will get one. */
function waits({ job, jobIsGone, pods }: Awaited): boolean {
  const newest = pods.at(-1);
  if (queueOf(job) !== undefined) return true;
  if (job?.spec?.suspend === true || isOver(job)) return false;
  if (newest === undefined || newest.goneAt !== undefined) return !jobIsGone;
  const { pod } = newest;
  const state = trainerStatus(pod)?.state;
  const isEnding = hasEnded(pod) || pod.metadata?.deletionTimestamp !== undefined;
  return !isEnding && state?.running === undefined && state?.terminated === undefined;
}

/** Every condition of a Job but this one is about its end. */
function isOver(job: Awaited['job']): boolean {
  return job?.status?.conditions?.some(({ type, status }) => type !== 'Suspended' && status === 'True') ?? false;
}
