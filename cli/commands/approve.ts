import type { Command } from 'commander';
import { approveGate } from '../../operator/local/pipeline-state.ts';
import { approveOnCluster } from '../cluster/approve.ts';
import { namesCluster } from '../cluster/options.ts';
import { withCluster } from '../cluster/with-cluster.ts';
import { readState } from '../state.ts';
import { addPlaceOptions, type PlaceOptions } from '../place-options.ts';

export function addApprove(program: Command): void {
  const command = program
    .command('approve')
    .description('let a pipeline go on behind a gate that waits for a person')
    .argument('<pipeline>', 'its name')
    .argument('<stage>', 'the stage whose gate waits')
    .option('--because <text>', 'why, which is recorded with the decision; asked for where a bound was not kept');
  addPlaceOptions(command).action(
    async (pipeline: string, stage: string, options: PlaceOptions & { because?: string }) => {
      const { state, because } = options;
      if (state === undefined || namesCluster(options)) {
        console.log(await withCluster(options, (cluster) => approveOnCluster(cluster, pipeline, stage, because)));
      } else {
        console.log(await approveGate(state, await readState(state, pipeline), stage, because));
      }
    },
  );
}
