import { KubeConfig } from '@kubernetes/client-node';
import { findCondition } from '../../../operator/api/resources/conditions.ts';
import { labels } from '../../../operator/api/resources/metadata.ts';
import { KubeClient } from '../../../operator/kube/client/client.ts';
import { hasEnded } from '../../../operator/kube/objects/pod.ts';
import { Informer } from '../../../operator/kube/client/informer.ts';
import {
  jobs,
  pods,
  type Job,
  type KubeObject,
  type Pod,
  type ResourceKind,
  type Stored,
} from '../../../operator/kube/client/resources.ts';
import { pipelines, stages } from '../../../operator/kube/objects/r1-kinds.ts';
import { isTrainer } from '../../../operator/kube/objects/ownership.ts';
import type { ControlPlane } from '../support/control-plane.ts';
import { timeless } from './timeless.ts';

/** Sees what happens in a namespace with eyes of its own, whatever becomes of the operator. */
export class Witness implements AsyncDisposable {
  readonly client: KubeClient;
  readonly namespace: string;
  private readonly informers;
  private readonly created: string[] = [];
  private readonly most = new Map<string, number>();
  private readonly waiters = new Set<() => void>();

  private constructor(client: KubeClient, namespace: string) {
    this.client = client;
    this.namespace = namespace;
    const reflect = <T extends KubeObject>(kind: ResourceKind<T>) =>
      new Informer({ client, kind, namespaces: [namespace] });
    this.informers = {
      jobs: reflect<Job>(jobs),
      pods: reflect<Pod>(pods),
      pipelines: reflect(pipelines),
      stages: reflect(stages),
    };
    this.informers.jobs.onChange((before, after) => {
      if (before === undefined && after !== undefined) this.created.push(after.metadata.name);
    });
    this.informers.pods.onChange(() => this.countPods());
    for (const informer of Object.values(this.informers)) {
      informer.onChange(() => {
        for (const look of this.waiters) look();
      });
    }
  }

  static async of(cluster: ControlPlane, namespace: string): Promise<Witness> {
    const config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfig);
    const witness = new Witness(new KubeClient(config, { name: 'witness' }), namespace);
    await Promise.all(Object.values(witness.informers).map((informer) => informer.start()));
    return witness;
  }

  /** Names of all Jobs that were ever created, in the order of the alphabet; one that was created twice is here twice. */
  get createdJobs(): string[] {
    return this.created.toSorted();
  }

  /** Most stages of a pipeline whose trainers were there at the same moment. */
  mostStagesAtOnce(pipeline: string): number {
    return this.most.get(pipeline) ?? 0;
  }

  /** Most trainers of any one stage that were there at the same moment. */
  get mostTrainersOfAStage(): number {
    return Math.max(0, ...[...this.most].flatMap(([key, count]) => (key.includes('/') ? [count] : [])));
  }

  job(name: string): Stored<Job> | undefined {
    return this.informers.jobs.store.get(`${this.namespace}/${name}`);
  }

  podsOf(job: string): Stored<Pod>[] {
    return [...this.informers.pods.store.values()].filter(
      ({ metadata }) => metadata.labels?.['batch.kubernetes.io/job-name'] === job,
    );
  }

  hasStage(name: string): boolean {
    return this.informers.stages.store.has(`${this.namespace}/${name}`);
  }

  /** The status of a stage. */
  stage(name: string) {
    return this.informers.stages.store.get(`${this.namespace}/${name}`)?.status;
  }

  /** Every pipeline has come to its end, and there are so many of them. */
  hasEnded(count: number): boolean {
    const all = [...this.informers.pipelines.store.values()];
    const isOver = ({ status }: (typeof all)[number]): boolean =>
      (findCondition(status?.conditions, 'Succeeded')?.status ?? 'Unknown') !== 'Unknown';
    return all.length === count && all.every(isOver);
  }

  /** Settles as soon as something is seen to be so. */
  async until(what: string, isSo: () => boolean, timeoutMs = 120_000): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const look = (): void => {
      if (isSo()) resolve();
    };
    const giveUp = (): void => reject(new Error(`not within ${timeoutMs / 1000} s: ${what}\n${this.describe()}`));
    const timer = setTimeout(giveUp, timeoutMs);
    this.waiters.add(look);
    look();
    await promise.finally(() => {
      this.waiters.delete(look);
      clearTimeout(timer);
    });
  }

  /** What became of the pipelines and their stages, by name: equal for equal runs. */
  outcome(): Record<string, unknown> {
    const { pipelines: p, stages: s } = this.informers;
    const all = [...p.store.values(), ...s.store.values()].toSorted((a, b) =>
      a.metadata.name.localeCompare(b.metadata.name),
    );
    return Object.fromEntries(all.map((each) => [`${each.kind} ${each.metadata.name}`, timeless(each.status)]));
  }

  /** What there is at this moment: pipelines and stages with what they say, Jobs and pods with how far they are. */
  private describe(): string {
    const { pipelines: p, stages: s, jobs: j, pods: q } = this.informers;
    const lines = [
      ...[...p.store.values(), ...s.store.values()].map(({ kind, metadata, status }) => {
        const { reason, message } = findCondition(status?.conditions, 'Succeeded') ?? {};
        return `${kind} ${metadata.name}: ${reason}: ${message}`;
      }),
      ...[...j.store.values()].map(({ metadata, status }) => `Job ${metadata.name}: ${JSON.stringify(status)}`),
      ...[...q.store.values()].map(
        ({ metadata, spec, status }) => `Pod ${metadata.name}: ${status?.phase} on ${spec?.nodeName ?? 'no node'}`,
      ),
    ];
    return lines.toSorted().join('\n');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Object.values(this.informers).map((informer) => informer.stop()));
    await this.client.close();
  }

  private countPods(): void {
    const counts = new Map<string, number>();
    const stagesOf = new Map<string, Set<string>>();
    for (const pod of this.informers.pods.store.values()) {
      if (!isTrainer(pod) || hasEnded(pod)) continue;
      const { [labels.pipeline]: pipeline = '', [labels.stage]: stage = '' } = pod.metadata.labels ?? {};
      const key = `${pipeline}/${stage}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      stagesOf.set(pipeline, (stagesOf.get(pipeline) ?? new Set()).add(stage));
    }
    for (const [pipeline, { size }] of stagesOf) counts.set(pipeline, size);
    for (const [key, count] of counts) this.most.set(key, Math.max(count, this.most.get(key) ?? 0));
  }
}
