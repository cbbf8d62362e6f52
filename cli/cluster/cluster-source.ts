import { labels } from '../../operator/api/resources/metadata.ts';
import type { R1Pipeline } from '../../operator/api/resources/pipeline.ts';
import type { R1Stage } from '../../operator/api/resources/stage.ts';
import type { KubeObject, ResourceKind, Stored } from '../../operator/kube/client/resources.ts';
import { pipelines as pipelineKind, stages as stageKind } from '../../operator/kube/objects/r1-kinds.ts';
import { UserError } from '../../trainer/contract/process/errors.ts';
import type { PipelineSource } from '../pipeline-source.ts';
import type { Cluster } from './cluster.ts';

/**
 * The pipelines of a namespace.
 *
 * @param everywhere of all namespaces; `read` keeps to that of the cluster
 */
export function clusterSource(cluster: Cluster, everywhere = false): PipelineSource {
  const namespace = everywhere ? undefined : cluster.namespace;
  return {
    place: everywhere ? `context ${cluster.context}` : cluster.place,
    pipelines: () => listAll(cluster, pipelineKind, namespace),
    stages: async () => (await listAll(cluster, stageKind, namespace)).toSorted(byPipelineThenAge),
    async read(name) {
      const [pipeline, stages] = await Promise.all([readPipeline(cluster, name), readStages(cluster, name)]);
      return { pipeline, stages: inOrderOf(pipeline, stages) };
    },
  };
}

/** @throws UserError that names the pipelines there are */
export async function readPipeline(cluster: Cluster, name: string): Promise<Stored<R1Pipeline>> {
  const { namespace } = cluster;
  const found = await cluster.ask(`get r1pipeline ${name}`, (client) => client.find(pipelineKind, { namespace, name }));
  if (found !== undefined) return withoutManagedFields(found);
  const names = (await listAll(cluster, pipelineKind, namespace)).map(({ metadata }) => metadata.name);
  const known = names.length > 0 ? `known: ${names.join(', ')}` : 'there are none';
  throw new UserError(`${cluster.place}: pipeline "${name}" not found; ${known}`);
}

export function readStages(cluster: Cluster, pipeline: string): Promise<Stored<R1Stage>[]> {
  return listAll(cluster, stageKind, cluster.namespace, `${labels.pipeline}=${pipeline}`);
}

/** In pages, so that a big cluster answers as soon as a small one. */
async function listAll<T extends KubeObject>(
  cluster: Cluster,
  kind: ResourceKind<T>,
  namespace: string | undefined,
  labelSelector?: string,
): Promise<Stored<T>[]> {
  const items: Stored<T>[] = [];
  let token: string | undefined;
  do {
    const query = { limit: 500, labelSelector, continue: token };
    const page = await cluster.ask(`list ${kind.plural}`, (client) => client.list(kind, namespace, query));
    items.push(...page.items.map(withoutManagedFields));
    token = page.continueToken;
  } while (token !== undefined);
  return items;
}

/** Bookkeeping of the API server that nobody reads, kubectl's users neither. */
function withoutManagedFields<T extends { readonly metadata: object }>(object: T): T {
  const { managedFields: _, ...metadata } = object.metadata as { managedFields?: unknown };
  return { ...object, metadata };
}

function inOrderOf<T extends R1Stage>({ spec }: R1Pipeline, stages: readonly T[]): T[] {
  const order = new Map(spec.stages.map(({ name }, index) => [name, index]));
  const place = (stage: R1Stage): number => order.get(stage.spec.stage) ?? order.size;
  return stages.toSorted((a, b) => place(a) - place(b));
}

function byPipelineThenAge(a: Stored<R1Stage>, b: Stored<R1Stage>): number {
  return ageKey(a) < ageKey(b) ? -1 : 1;
}

function ageKey({ metadata, spec }: Stored<R1Stage>): string {
  return [metadata.namespace, spec.pipeline, metadata.creationTimestamp, metadata.name].join(' ');
}
