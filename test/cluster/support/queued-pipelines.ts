import { KubeConfig } from '@kubernetes/client-node';
import { labels } from '../../../operator/api/resources/metadata.ts';
import type { R1Stage } from '../../../operator/api/resources/stage.ts';
import { KubeClient } from '../../../operator/kube/client/client.ts';
import { jobs, type Job, type Stored } from '../../../operator/kube/client/resources.ts';
import { pipelines, stages } from '../../../operator/kube/objects/r1-kinds.ts';
import type { ControlPlane } from './control-plane.ts';
import { eventually } from './eventually.ts';

const gpus = 'nvidia.com/gpu';

/** A pipeline of one stage that waits in the queue `team` for all GPUs of a node. */
export function queued(name: string, namespace: string, image: string, placement: object = {}): object {
  return {
    apiVersion: 'r1.dev/v1alpha1',
    kind: 'R1Pipeline',
    metadata: { name, namespace },
    spec: {
      image,
      base: { init: { hiddenSize: 32, layers: 2, heads: 2, kvHeads: 1 } },
      datasets: [{ name: 'sums', generator: { task: 'addition', digits: 1, rows: 60 } }],
      defaults: { queue: 'team', resources: { limits: { [gpus]: 8 } }, ...placement },
      stages: [{ name: 'base', pretrain: { data: ['sums'], steps: 10 } }],
    },
  };
}

/** Pipelines of `queued` in one namespace, and what becomes of them. */
export class QueuedPipelines {
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

  async apply(...objects: readonly object[]): Promise<void> {
    await this.cluster.apply(objects);
  }

  async suspend(pipeline: string, suspended: boolean): Promise<void> {
    await this.client.mergePatch(
      pipelines,
      { namespace: this.namespace, name: pipeline },
      { spec: { suspend: suspended } },
    );
  }

  async jobsOf(pipeline: string): Promise<readonly Stored<Job>[]> {
    return (await this.client.list(jobs, this.namespace, { labelSelector: `${labels.pipeline}=${pipeline}` })).items;
  }

  /** The one Job of a pipeline, as soon as it is like this. */
  async job(pipeline: string, isThere: (job: Stored<Job>) => boolean = () => true): Promise<Stored<Job>> {
    return eventually(`the Job of ${pipeline}`, async () => (await this.jobsOf(pipeline)).find(isThere));
  }

  /** The one stage of a pipeline, once it is in this state; the words of its condition come with it. */
  async stage(pipeline: string, state: string): Promise<{ readonly stage: Stored<R1Stage>; readonly message: string }> {
    return eventually(`stage of ${pipeline} is ${state}`, async () => {
      const { items } = await this.client.list(stages, this.namespace, {
        labelSelector: `${labels.pipeline}=${pipeline}`,
      });
      const stage = items.find(({ status }) => status?.display?.state === state);
      const message = stage?.status?.conditions.find(({ type }) => type === 'Succeeded')?.message ?? '';
      return stage && { stage, message };
    });
  }

  async close(): Promise<void> {
    await this.client.close();
  }
}

/** Quota for one stage of `queued` at a time on the nodes with these labels, of which the more urgent comes first. */
export function quotaForOne(namespace: string, nodeLabels: Record<string, string>): object[] {
  const flavor = { name: 'only', resources: [{ name: gpus, nominalQuota: 8 }] };
  return [
    { apiVersion: 'scheduling.k8s.io/v1', kind: 'PriorityClass', metadata: { name: 'urgent' }, value: 1000 },
    kueueObject('ResourceFlavor', { name: 'only' }, { nodeLabels }),
    kueueObject(
      'ClusterQueue',
      { name: 'gpus' },
      {
        namespaceSelector: {},
        preemption: { withinClusterQueue: 'LowerPriority' },
        resourceGroups: [{ coveredResources: [gpus], flavors: [flavor] }],
      },
    ),
    kueueObject('LocalQueue', { name: 'team', namespace }, { clusterQueue: 'gpus' }),
  ];
}

function kueueObject(kind: string, metadata: object, spec: object): object {
  return { apiVersion: 'kueue.x-k8s.io/v1beta2', kind, metadata, spec };
}
