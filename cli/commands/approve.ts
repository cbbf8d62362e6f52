import type { Command } from 'commander';
import { approveGate } from '../../operator/local/pipeline-state.ts';
import { type StateOption, stateOption } from '../options.ts';

export function addApprove(program: Command): void {
  program
    .command('approve')
    .description('let a pipeline go on behind a gate that waits for a person; the next r1 run sees it')
    .argument('<pipeline>', 'its name')
    .argument('<stage>', 'the stage whose gate waits')
    .addOption(stateOption())
    .action(async (pipeline: string, stage: string, { state }: StateOption) => {
      await approveGate(state, pipeline, stage);
      console.log(`${pipeline}: the gate of ${stage} is approved; r1 run goes on`);
    });
}
