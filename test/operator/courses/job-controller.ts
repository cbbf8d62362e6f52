import { isDeepStrictEqual } from 'node:util';
import {
  jobs,
  pods,
  type Job,
  type KubeObject,
  type Pod,
  type Stored,
} from '../../../operator/kube/client/resources.ts';
import { isTrainer } from '../../../operator/kube/objects/ownership.ts';
import { hasEnded } from '../../../operator/kube/objects/pod.ts';
import type { ObjectStore } from '../../support/object-store.ts';
import type { Dice } from './dice.ts';

export type Owned = Stored<KubeObject> & { metadata: { ownerReferences?: readonly { readonly uid: string }[] } };

/** What the controller of Jobs does with one of ours. */
export class JobController {
  private readonly store: ObjectStore;
  private readonly dice: Dice;
  private podsMade = 0;
  /** Pods that it has ended, as their Job was suspended or had one too many: their end says nothing of it. */
  private readonly takenBack = new Set<string>();
  /** Jobs of which it has not heard that their pod was made, so that it makes another one. */
  private readonly unanswered = new Set<string>();

  constructor(store: ObjectStore, dice: Dice) {
    this.store = store;
    this.dice = dice;
  }

  look(job: Stored<Job>): void {
    const { spec, status } = job;
    if (isOver(job)) return;
    const own = this.podsOf(job);
    if (spec?.suspend === true) return this.suspend(job, own);
    if (!isTrainer(job)) return this.keepWorkers(job, own);
    if (spec?.activeDeadlineSeconds !== undefined) {
      for (const pod of own) if (!hasEnded(pod)) deletePod(this.store, pod);
      if (own.every(hasEnded)) this.judge(job, 'Failed', 'DeadlineExceeded');
      return;
    }
    if (own.length === 0) {
      // It has had one, which is gone.
      if (status?.active !== undefined) this.judge(job, 'Failed', 'BackoffLimitExceeded');
      else this.makeFirstPod(job);
    } else if (this.unanswered.delete(job.metadata.uid)) this.makePod(job);
    else if (own.some((pod) => pod.status?.phase === 'Succeeded') || own.every(hasEnded)) this.judgeBy(job, own);
    else this.takeBack(surplusOf(own));
  }

  private makeFirstPod(job: Stored<Job>): void {
    this.makePod(job);
    if (this.dice.happens(0.1)) this.unanswered.add(job.metadata.uid);
  }

  private podsOf({ metadata: { uid } }: Stored<Job>): Stored<Pod>[] {
    return this.store
      .all(pods)
      .filter((pod) => (pod as Owned).metadata.ownerReferences?.some((owner) => owner.uid === uid))
      .filter((pod) => !this.takenBack.has(pod.metadata.uid));
  }

  private takeBack(unwanted: readonly Stored<Pod>[]): void {
    for (const pod of unwanted) {
      this.takenBack.add(pod.metadata.uid);
      deletePod(this.store, pod);
    }
  }

  /** A trainer that ended by itself counts, although its Job is suspended by then. */
  private suspend(job: Stored<Job>, own: readonly Stored<Pod>[]): void {
    const ended = own.filter(hasEnded);
    this.takeBack(own.filter((each) => !hasEnded(each)));
    if (isTrainer(job) && ended.length > 0) return this.judgeBy(job, ended);
    const { status, ...rest } = job;
    if (status?.active !== undefined) this.store.put(jobs, { ...rest, status: {} });
  }

  private judgeBy(job: Stored<Job>, ended: readonly Stored<Pod>[]): void {
    const succeeded = ended.some((pod) => pod.status?.phase === 'Succeeded');
    this.judge(job, succeeded ? 'Complete' : 'Failed', succeeded ? 'Completed' : 'BackoffLimitExceeded');
  }

  /** As many as are asked for, whatever becomes of one; a Job of them never ends by itself. */
  private keepWorkers(job: Stored<Job>, own: readonly Stored<Pod>[]): void {
    for (const pod of own) if (hasEnded(pod)) this.store.remove(pods, pod.metadata.name);
    const alive = own.filter((pod) => !hasEnded(pod) && pod.metadata.deletionTimestamp === undefined);
    const asked = job.spec?.parallelism ?? 0;
    if (alive.length < asked) this.makePod(job);
    for (const pod of alive.slice(asked)) deletePod(this.store, pod);
    this.countWorkers(job);
  }

  private countWorkers(job: Stored<Job>): void {
    const alive = this.podsOf(job).filter((pod) => !hasEnded(pod) && pod.metadata.deletionTimestamp === undefined);
    const ready = alive.filter(({ status }) => status?.phase === 'Running').length;
    const counted = this.store.get(jobs, job.metadata.name);
    const status = { active: alive.length, ready };
    if (counted !== undefined && !isDeepStrictEqual(counted.status, status))
      this.store.put(jobs, { ...counted, status });
  }

  private judge(job: Stored<Job>, type: 'Complete' | 'Failed', reason: string): void {
    const condition = { type, status: 'True', reason, lastTransitionTime: new Date().toISOString() };
    this.store.put(jobs, { ...job, status: { ...job.status, conditions: [condition] } });
  }

  private makePod(job: Stored<Job>): void {
    const { template } = job.spec ?? {};
    const { name, namespace, uid } = job.metadata;
    this.store.put(pods, {
      metadata: {
        namespace,
        name: `${name}-${++this.podsMade}`,
        labels: template?.metadata?.labels ?? {},
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name, uid, controller: true }],
      },
      spec: { containers: template?.spec?.containers ?? [], volumes: template?.spec?.volumes ?? [] },
      status: { phase: 'Pending' },
    });
    this.store.put(jobs, { ...job, status: { ...job.status, active: 1 } });
  }
}

/** It is told to end, and has time for it. */
export function deletePod(store: ObjectStore, pod: Stored<Pod>): void {
  if (pod.metadata.deletionTimestamp !== undefined) return;
  const deletionTimestamp = new Date(Date.now() + 250_000).toISOString();
  store.put(pods, { ...pod, metadata: { ...pod.metadata, deletionTimestamp } });
}

/** A Job controller ends those that wait before one that runs. */
function surplusOf(own: readonly Stored<Pod>[]): Stored<Pod>[] {
  const alive = own.filter((pod) => !hasEnded(pod) && pod.metadata.deletionTimestamp === undefined);
  return alive
    .toSorted((a, b) => Number(b.status?.phase === 'Running') - Number(a.status?.phase === 'Running'))
    .slice(1);
}

export function isOver({ status }: Job): boolean {
  return status?.conditions?.some(({ type }) => type === 'Complete' || type === 'Failed') ?? false;
}
