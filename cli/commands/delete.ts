import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { R1Pipeline } from '../../operator/api/pipeline.ts';
import { isNotFound } from '../../operator/kube/client/api-error.ts';
import { claimName } from '../../operator/kube/objects/names.ts';
import { pathOf } from '../../operator/kube/client/resources.ts';
import { pipelines } from '../../operator/kube/objects/r1-kinds.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { readPipeline } from '../cluster/cluster-source.ts';
import { addClusterOptions, type ClusterOptions, requireCluster } from '../cluster/options.ts';
import { withCluster } from '../cluster/with-cluster.ts';

interface DeleteOptions extends ClusterOptions {
  readonly wait: boolean;
}

const pollMs = 500;

export function addDelete(program: Command): void {
  const command = program
    .command('delete')
    .description('delete a pipeline with its stages and their pods, and with its volume unless that is retained')
    .argument('<pipeline>', 'its name')
    .option('--wait', 'return once its stages and pods are gone', false);
  addClusterOptions(command).action(async (name: string, options: DeleteOptions) => {
    requireCluster(options, 'delete', `remove its directory in the state, such as .r1/${name}`);
    await withCluster(options, (cluster) => deletePipeline(cluster, name, options.wait));
  });
}

async function deletePipeline(cluster: Cluster, name: string, wait: boolean): Promise<void> {
  const pipeline = await readPipeline(cluster, name);
  const { namespace } = cluster;
  const { uid } = pipeline.metadata;
  await cluster.ask(`delete r1pipeline ${name}`, (client) =>
    client
      .requestText({
        method: 'DELETE',
        path: pathOf(pipelines, namespace, name),
        // In the foreground the pipeline itself goes last: when it is gone, all of it is.
        body: { propagationPolicy: wait ? 'Foreground' : 'Background', preconditions: { uid } },
      })
      .catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      }),
  );
  if (wait) await untilGone(cluster, name, uid);
  console.log(`${name}: ${wait ? 'deleted' : 'is being deleted'}; ${fateOfVolume(pipeline)}`);
}

/** What becomes of the checkpoints. */
export function fateOfVolume({ metadata, spec }: R1Pipeline): string {
  const { claimName: given, retention } = spec.storage;
  if (given !== undefined) return `its checkpoints stay on the claim ${given}`;
  const claim = claimName(metadata.name);
  return retention === 'Retain'
    ? `its checkpoints stay on the claim ${claim} (storage.retention: Retain)`
    : `its checkpoints go with the claim ${claim} (storage.retention: Delete)`;
}

async function untilGone(cluster: Cluster, name: string, uid: string): Promise<void> {
  const { namespace } = cluster;
  for (;;) {
    const found = await cluster.ask(`get r1pipeline ${name}`, (client) => client.find(pipelines, { namespace, name }));
    if (found?.metadata.uid !== uid) return;
    await sleep(pollMs);
  }
}
