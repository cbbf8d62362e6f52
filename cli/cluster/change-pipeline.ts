import type { R1Pipeline } from '../../operator/api/resources/pipeline.ts';
import { isConflict } from '../../operator/kube/client/api-error.ts';
import { pipelines } from '../../operator/kube/objects/r1-kinds.ts';
import type { Stored } from '../../operator/kube/client/resources.ts';
import type { Cluster } from './cluster.ts';
import { readPipeline } from './cluster-source.ts';

const tries = 5;

/**
 * Changes a pipeline by what it is now. If somebody else changes it in between, it is looked at again.
 *
 * @param patchFor the merge patch (RFC 7396); undefined when there is nothing to change
 * @returns the pipeline as it is then
 */
export async function changePipeline(
  cluster: Cluster,
  name: string,
  patchFor: (pipeline: Stored<R1Pipeline>) => { readonly metadata?: object; readonly spec?: object } | undefined,
): Promise<Stored<R1Pipeline>> {
  const { namespace } = cluster;
  for (let attempt = 1; ; attempt++) {
    const pipeline = await readPipeline(cluster, name);
    const patch = patchFor(pipeline);
    if (patch === undefined) return pipeline;
    // With a resource version the API server refuses the patch of something that has changed.
    const { resourceVersion } = pipeline.metadata;
    const guarded = { ...patch, metadata: { ...patch.metadata, resourceVersion } };
    const changed = await cluster.ask(`change r1pipeline ${name}`, async (client) =>
      client.mergePatch(pipelines, { namespace, name }, guarded).catch((error: unknown) => {
        if (isConflict(error) && attempt < tries) return undefined;
        throw error;
      }),
    );
    if (changed !== undefined) return changed;
  }
}
