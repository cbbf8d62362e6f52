import type { Command } from 'commander';
import { annotations } from '../../operator/api/resources/metadata.ts';
import { changePipeline } from '../cluster/change-pipeline.ts';
import { readPipeline, readStages } from '../cluster/cluster-source.ts';
import { addClusterOptions, type ClusterOptions, requireCluster } from '../cluster/options.ts';
import { planRerun } from '../cluster/plan-rerun.ts';
import { repeatable } from '../options.ts';
import { withCluster } from '../cluster/with-cluster.ts';

interface RerunOptions extends ClusterOptions {
  readonly from: readonly string[];
  readonly yes: boolean;
}

export function addRerun(program: Command): void {
  const command = program
    .command('rerun')
    .description('run a stage again, with all that use what it gives')
    .argument('<pipeline>', 'its name')
    .requiredOption('--from <stage>', 'the first stage that runs again; repeatable', repeatable)
    .option('--yes', 'also when work is thrown away that was finished or begun', false);
  addClusterOptions(command).action(async (name: string, options: RerunOptions) => {
    requireCluster(
      options,
      'rerun',
      `r1 run FILE ${options.from.map((stage) => `--rerun-from ${stage}`).join(' ')} does it`,
    );
    await withCluster(options, async (cluster) => {
      const pipeline = await readPipeline(cluster, name);
      const stages = planRerun(pipeline, await readStages(cluster, name), options.from, options.yes);
      await changePipeline(cluster, name, () => ({
        metadata: { annotations: { [annotations.rerunFrom]: options.from.join(',') } },
      }));
      console.log(`${name}: runs again from ${options.from.join(' and ')} on: ${stages.join(', ')}`);
      if (pipeline.spec.suspend) console.log(`${name}: it is suspended, and begins when it is resumed`);
    });
  });
}
