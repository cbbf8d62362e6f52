import type { Command } from 'commander';
import { annotations } from '../../operator/api/resources/metadata.ts';
import { stages as stageKind } from '../../operator/kube/objects/r1-kinds.ts';
import { readPipeline, readStages } from '../cluster/cluster-source.ts';
import { addClusterOptions, type ClusterOptions, requireCluster } from '../cluster/options.ts';
import { planRetry } from '../cluster/plan-retry.ts';
import { withCluster } from '../cluster/with-cluster.ts';

export function addRetry(program: Command): void {
  const command = program
    .command('retry')
    .description('try failed stages of a pipeline again, from where they saved')
    .argument('<pipeline>', 'its name')
    .argument('[stages...]', 'only these of them');
  addClusterOptions(command).action(async (name: string, asked: readonly string[], options: ClusterOptions) => {
    requireCluster(options, 'retry', 'the same r1 run tries failed stages again');
    await withCluster(options, async (cluster) => {
      const { spec } = await readPipeline(cluster, name);
      for (const stage of planRetry(name, await readStages(cluster, name), asked)) {
        // What failed so far no longer counts.
        const last = String(stage.status?.attempts.at(-1)?.number ?? 0);
        const patch = { metadata: { annotations: { [annotations.forgiven]: last } } };
        await cluster.ask(`change r1stage ${stage.metadata.name}`, (client) =>
          client.mergePatch(stageKind, stage.metadata, patch),
        );
        console.log(`${name}: ${stage.spec.stage} is tried again`);
      }
      if (spec.suspend) console.log(`${name}: it is suspended, and goes on when it is resumed`);
    });
  });
}
