import type { Command } from 'commander';
import { findCondition } from '../../operator/api/resources/conditions.ts';
import { UserError } from '../../trainer/contract/process/errors.ts';
import { changePipeline } from '../cluster/change-pipeline.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { addClusterOptions, type ClusterOptions, requireCluster } from '../cluster/options.ts';
import { withCluster } from '../cluster/with-cluster.ts';

export function addSuspend(program: Command): void {
  const command = program
    .command('suspend')
    .description('end running stages of a pipeline once they have saved, and start none; its GPUs become free')
    .argument('<pipeline>', 'its name');
  addClusterOptions(command).action(async (name: string, options: ClusterOptions) => {
    requireCluster(options, 'suspend', 'Ctrl-C at r1 run saves and stops');
    await withCluster(options, (cluster) => setSuspend(cluster, name, true));
  });
}

export function addResume(program: Command): void {
  const command = program
    .command('resume')
    .description('let a suspended pipeline go on from where its stages saved')
    .argument('<pipeline>', 'its name');
  addClusterOptions(command).action(async (name: string, options: ClusterOptions) => {
    requireCluster(options, 'resume', 'the same r1 run goes on where it stopped');
    await withCluster(options, (cluster) => setSuspend(cluster, name, false));
  });
}

async function setSuspend(cluster: Cluster, name: string, suspend: boolean): Promise<void> {
  let already = false;
  await changePipeline(cluster, name, ({ spec, status }) => {
    const ended = findCondition(status?.conditions, 'Succeeded');
    if (suspend && ended !== undefined && ended.status !== 'Unknown') {
      const how = ended.status === 'True' ? 'succeeded' : 'failed';
      throw new UserError(`pipeline ${name}: found that it has ${how}, expected one that can be suspended`);
    }
    already = spec.suspend === suspend;
    return already ? undefined : { spec: { suspend } };
  });
  if (already) console.log(`${name}: is ${suspend ? 'suspended' : 'not suspended'} already`);
  else if (suspend) console.log(`${name}: suspended; stages that run save, end and free their GPUs`);
  else console.log(`${name}: resumed; its stages go on from their newest checkpoints`);
}
