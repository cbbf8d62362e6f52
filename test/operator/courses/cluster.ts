import { exitCodes } from '../../../trainer/contract/process/exit-codes.ts';
import type { StageFile } from '../../../trainer/contract/settings/stage-file.ts';
import {
  configMaps,
  jobs,
  networkPolicies,
  pods,
  secrets,
  services,
  volumeClaims,
  type Job,
  type KubeObject,
  type Pod,
  type ResourceKind,
  type Stored,
} from '../../../operator/kube/client/resources.ts';
import { pipelines, stages } from '../../../operator/kube/objects/r1-kinds.ts';
import type { ObjectStore } from '../../support/object-store.ts';
import { isTrainer } from '../../../operator/kube/objects/ownership.ts';
import type { Dice } from './dice.ts';
import { deletePod, isOver, JobController, type Owned } from './job-controller.ts';
import { TrainerVolume } from './trainer-volume.ts';

/** A word, or an exit code. */
export type PodEnd = 'succeeds' | 'poorly' | 'evicted' | 'preempted' | 'killed' | 'vanishes' | number;

/** A trainer begins. */
export interface Beginning {
  readonly file: StageFile;
  readonly pod: Stored<Pod>;
  /** When its stage file was written. */
  readonly toldAt: number;
}

const ownedKinds: readonly ResourceKind<KubeObject>[] = [
  stages,
  jobs,
  pods,
  configMaps,
  volumeClaims,
  services,
  networkPolicies,
  secrets,
];

/** What others do: the Job controller, garbage collection, the kubelet and the trainer. */
export class Cluster {
  readonly volume = new TrainerVolume();
  private readonly store: ObjectStore;
  private readonly dice: Dice;
  private readonly jobController: JobController;
  private readonly silentPods = new Set<string>();
  /** Called as a trainer begins, before it does anything. */
  private readonly onBegin: (beginning: Beginning) => void;

  constructor(store: ObjectStore, dice: Dice, onBegin: (beginning: Beginning) => void) {
    this.store = store;
    this.dice = dice;
    this.onBegin = onBegin;
    this.jobController = new JobController(store, dice);
  }

  get waiting(): Stored<Pod>[] {
    return this.alive.filter(({ status }) => status?.phase === 'Pending');
  }

  /** Jobs that a queue holds back. */
  get queued(): Stored<Job>[] {
    return this.store.all(jobs).filter((job) => job.spec?.suspend === true && !isOver(job));
  }

  get admitted(): Stored<Job>[] {
    return this.store.all(jobs).filter((job) => job.spec?.suspend === false && !isOver(job));
  }

  suspend({ spec, ...job }: Stored<Job>, suspend: boolean): void {
    this.store.put(jobs, { ...job, spec: { ...spec, suspend } } as Job);
  }

  get running(): Stored<Pod>[] {
    return this.alive.filter((pod) => pod.status?.phase === 'Running' && !this.isSilent(pod));
  }

  /** Pods of nodes that are lost. */
  get silent(): Stored<Pod>[] {
    return this.alive.filter((pod) => this.isSilent(pod));
  }

  isSilent({ metadata }: Stored<Pod>): boolean {
    return this.silentPods.has(metadata.uid);
  }

  /** Pods that have not ended. */
  private get alive(): Stored<Pod>[] {
    return this.store.all(pods).filter(({ status }) => status?.phase === 'Pending' || status?.phase === 'Running');
  }

  /** A bit of everything that controllers do by themselves. */
  step(): void {
    this.collectGarbage();
    for (const job of this.store.all(jobs)) if (!this.dice.happens(0.3)) this.jobController.look(job);
    for (const pod of this.store.all(pods)) {
      if (pod.metadata.deletionTimestamp === undefined || this.isSilent(pod) || this.dice.happens(0.3)) continue;
      if (pod.status?.phase === 'Running') this.end(pod, 75);
      else this.store.remove(pods, pod.metadata.name);
    }
  }

  private collectGarbage(): void {
    const uids = new Set(
      [pipelines, ...ownedKinds].flatMap((kind) => this.store.all(kind)).map(({ metadata }) => metadata.uid),
    );
    for (const kind of ownedKinds) {
      for (const object of this.store.all(kind) as Owned[]) {
        const owners = object.metadata.ownerReferences ?? [];
        if (owners.length === 0 || owners.some(({ uid }) => uids.has(uid))) continue;
        if (kind === pods) deletePod(this.store, object as Stored<Pod>);
        else this.store.remove(kind, object.metadata.name);
      }
    }
  }

  /** The kubelet starts it, if what it needs is there. */
  run(pod: Stored<Pod>): void {
    if (!isTrainer(pod) && pod.metadata.deletionTimestamp === undefined)
      return this.put(pod, 'Running', { running: { startedAt: now() } });
    const config = this.configOf(pod);
    if (config === undefined || pod.metadata.deletionTimestamp !== undefined) return;
    const attempt = jobOf(pod);
    if (this.running.some((each) => jobOf(each) === attempt))
      return this.put(pod, 'Failed', exited(exitCodes.anotherWriter, now()));
    const file = JSON.parse(config.data?.['stage.json'] ?? '') as StageFile;
    this.onBegin({ file, pod, toldAt: Date.parse(config.metadata.creationTimestamp) });
    this.volume.removeGoneRuns(file);
    this.put(pod, 'Running', { running: { startedAt: now() } });
  }

  private configOf(pod: Stored<Pod>) {
    const name = pod.spec?.volumes?.find((each) => each.name === 'stage')?.configMap?.name ?? '';
    return this.store.get(configMaps, name);
  }

  /** The node controller hears nothing of its node. */
  loseNode(pod: Stored<Pod>): void {
    this.silentPods.add(pod.metadata.uid);
    const lost = { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager', message: '' };
    const conditions = [...(pod.status?.conditions ?? []), lost, { type: 'Ready', status: 'Unknown' }];
    deletePod(this.store, this.store.put(pods, { ...pod, status: { ...pod.status, conditions } }));
  }

  /** Whoever was asked to end meanwhile ends, and is gone soon. */
  findNode(pod: Stored<Pod>, how: PodEnd): void {
    this.silentPods.delete(pod.metadata.uid);
    this.end(pod, how);
  }

  end(pod: Stored<Pod>, how: PodEnd): void {
    if (how === 'vanishes') return this.store.remove(pods, pod.metadata.name);
    const config = this.configOf(pod);
    const startedAt = pod.status?.containerStatuses?.[0]?.state?.running?.startedAt ?? now();
    if ((how === 'succeeds' || how === 'poorly') && isTrainer(pod) && config !== undefined) {
      const file = JSON.parse(config.data?.['stage.json'] ?? '') as StageFile;
      const checkpoint = this.volume.publish(file);
      const metrics = { 'eval_train/pass@1': how === 'poorly' ? 0.1 : 0.9 };
      const result = { outcome: 'succeeded', reason: 'succeeded', message: 'done', checkpoint, metrics };
      this.put(pod, 'Succeeded', exited(0, startedAt, JSON.stringify(result)));
    } else {
      const reasons: Partial<Record<PodEnd, string>> = {
        evicted: 'EvictionByEvictionAPI',
        preempted: 'PreemptionByScheduler',
      };
      const reason = reasons[how];
      const disruption =
        reason === undefined ? [] : [{ type: 'DisruptionTarget', status: 'True', reason, message: '' }];
      this.put(pod, 'Failed', exited(typeof how === 'number' ? how : 137, startedAt), disruption);
    }
  }

  private put(pod: Stored<Pod>, phase: string, state: object, more: readonly object[] = []): void {
    const conditions = [...(pod.status?.conditions ?? []), ...more];
    const ready = { name: 'trainer', image: '', imageID: '', ready: phase === 'Running', restartCount: 0, state };
    this.store.put(pods, { ...pod, status: { ...pod.status, phase, conditions, containerStatuses: [ready] } } as Pod);
  }
}

function exited(exitCode: number, startedAt: string, message = '') {
  return { terminated: { exitCode, message, startedAt, finishedAt: now() } };
}

function jobOf({ metadata }: Owned): string | undefined {
  return metadata.ownerReferences?.[0]?.uid;
}

function now(): string {
  return new Date().toISOString();
}
