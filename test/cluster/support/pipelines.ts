import { KubeConfig } from '@kubernetes/client-node';
import { findCondition } from '../../../operator/api/resources/conditions.ts';
import type { R1Pipeline } from '../../../operator/api/resources/pipeline.ts';
import type { R1Stage } from '../../../operator/api/resources/stage.ts';
import { KubeClient } from '../../../operator/kube/client/client.ts';
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
import type { ControlPlane } from './control-plane.ts';
import { eventually } from './eventually.ts';

/** A row of stages, each starting from the model of the one before: `first`, `second`, `third` … */
export function row(length: number): object[] {
  const names = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth'].slice(0, length);
  return names.map((name, index) => ({
    name,
    ...(index === 0 ? {} : { model: { from: names[index - 1] } }),
    pretrain: { data: ['sums'], steps: 10 },
  }));
}

/** Pipelines in one namespace, and what becomes of them. */
export class Pipelines {
  readonly client: KubeClient;
  readonly namespace: string;
  private readonly cluster: ControlPlane;

  constructor(cluster: ControlPlane, namespace: string) {
    const config = new KubeConfig();
    config.loadFromFile(cluster.kubeconfig);
    this.client = new KubeClient(config, { name: 'test' });
    this.cluster = cluster;
    this.namespace = namespace;
  }

  /** Applies a pipeline as a person does; `spec` adds to a healthy one of three stages that end at once. */
  async apply(name: string, spec: object = {}): Promise<void> {
    const whole = {
      image: 'kwok/succeed',
      base: { init: { hiddenSize: 32, layers: 1, heads: 2, kvHeads: 1 } },
      datasets: [{ name: 'sums', generator: { task: 'addition', digits: 1, rows: 60 } }],
      stages: row(3),
      ...spec,
    };
    const metadata = { name, namespace: this.namespace };
    await this.cluster.apply([{ apiVersion: 'r1.dev/v1alpha1', kind: 'R1Pipeline', metadata, spec: whole }]);
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.cluster.kubectl('-n', this.namespace, ...args);
  }

  /** The pipeline, once it is in this state. */
  pipeline(name: string, state: string, timeoutMs?: number): Promise<Stored<R1Pipeline>> {
    return this.inState(pipelines, name, state, timeoutMs);
  }

  /** A stage, once it is in this state. */
  stage(pipeline: string, stage: string, state: string, timeoutMs?: number): Promise<Stored<R1Stage>> {
    return this.inState(stages, `${pipeline}-${stage}`, state, timeoutMs);
  }

  async jobsOf(pipeline: string): Promise<Stored<Job>[]> {
    return this.of(jobs, pipeline);
  }

  async podsOf(pipeline: string): Promise<Stored<Pod>[]> {
    return this.of(pods, pipeline);
  }

  async close(): Promise<void> {
    await this.client.close();
  }

  private async of<T extends KubeObject>(kind: ResourceKind<T>, pipeline: string): Promise<Stored<T>[]> {
    const { items } = await this.client.list(kind, this.namespace, { labelSelector: `r1.dev/pipeline=${pipeline}` });
    return items.toSorted((a, b) => a.metadata.name.localeCompare(b.metadata.name));
  }

  private async inState<T extends R1Pipeline | R1Stage>(
    kind: ResourceKind<T>,
    name: string,
    state: string,
    timeoutMs?: number,
  ): Promise<Stored<T>> {
    return eventually(
      `${name} is ${state}`,
      async () => {
        const found = await this.client.find(kind, { namespace: this.namespace, name });
        return found?.status?.display?.state === state ? found : undefined;
      },
      timeoutMs,
    );
  }
}

/** What the `Succeeded` condition says in words. */
export function wordsOf({ status }: R1Pipeline | R1Stage): string {
  return findCondition(status?.conditions, 'Succeeded')?.message ?? '';
}

export function reasonOf({ status }: R1Pipeline | R1Stage): string | undefined {
  return findCondition(status?.conditions, 'Succeeded')?.reason;
}
