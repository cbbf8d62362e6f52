import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { R1Pipeline } from '../../operator/api/resources/pipeline.ts';
import type { R1Stage } from '../../operator/api/resources/stage.ts';
import { fateOfVolume } from '../../operator/core/pipeline/retention.ts';
import { UserError } from '../../trainer/contract/process/errors.ts';
import { isNotFound } from '../../operator/kube/client/api-error.ts';
import { pathOf } from '../../operator/kube/client/resources.ts';
import { pipelines } from '../../operator/kube/objects/r1-kinds.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { readPipeline, readStages } from '../cluster/cluster-source.ts';
import { addClusterOptions, type ClusterOptions, requireCluster } from '../cluster/options.ts';
import { withCluster } from '../cluster/with-cluster.ts';

interface DeleteOptions extends ClusterOptions {
  readonly wait: boolean;
  readonly yes: boolean;
}

const pollMs = 500;

export function addDelete(program: Command): void {
  const command = program
    .command('delete')
    .description('delete a pipeline with its stages and their pods, and with its volume unless that is retained')
    .argument('<pipeline>', 'its name')
    .option('--wait', 'return once its stages and pods are gone', false)
    .option('--yes', 'also when finished checkpoints are deleted with it', false);
  addClusterOptions(command).action(async (name: string, options: DeleteOptions) => {
    requireCluster(options, 'delete', `remove its directory in the state, such as .r1/${name}`);
    await withCluster(options, (cluster) => deletePipeline(cluster, name, options));
  });
}

async function deletePipeline(cluster: Cluster, name: string, { wait, yes }: DeleteOptions): Promise<void> {
  const pipeline = await readPipeline(cluster, name);
  if (!yes) requireSure(pipeline, await readStages(cluster, name));
  console.log(`${name}: ${fateOfVolume(pipeline).words}`);
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
  console.log(`${name}: ${wait ? 'deleted' : 'is being deleted'}`);
}

/** @throws UserError when finished work would be lost and nobody is sure */
function requireSure(pipeline: R1Pipeline, stages: readonly R1Stage[]): void {
  const finished = stages.filter(({ status }) => status?.checkpoint !== undefined).map(({ spec }) => spec.stage);
  const { goes, words } = fateOfVolume(pipeline);
  if (finished.length === 0 || !goes) return;
  throw new UserError(
    `pipeline ${pipeline.metadata.name}: ${words}, those of ${finished.join(', ')} are finished; --yes deletes them, spec.storage.retention: Retain keeps them`,
  );
}

async function untilGone(cluster: Cluster, name: string, uid: string): Promise<void> {
  const { namespace } = cluster;
  for (;;) {
    const found = await cluster.ask(`get r1pipeline ${name}`, (client) => client.find(pipelines, { namespace, name }));
    if (found?.metadata.uid !== uid) return;
    await sleep(pollMs);
  }
}
