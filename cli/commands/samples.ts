import type { Command } from 'commander';
import { type StateOption, stateOption } from '../options.ts';
import { resolveStageDirectory } from '../stage-directory-argument.ts';

interface SamplesOptions extends StateOption {
  readonly output: string;
}

export function addSamples(program: Command): void {
  program
    .command('samples')
    .description('write the completions that a stage keeps, with rewards and advantages, into a Parquet file')
    .argument('<stage>', 'PIPELINE/STAGE, or the directory of a stage')
    .requiredOption('-o, --output <file>', 'the Parquet file')
    .addOption(stateOption())
    .action(async (stage: string, { output, state }: SamplesOptions) => {
      const { writeCompletionsTable } = await import('../../trainer/report/completions-table.ts'); // no other command writes tables
      const directory = await resolveStageDirectory(stage, state);
      const { completions, firstStep, lastStep } = await writeCompletionsTable(directory, output);
      const steps = firstStep === lastStep ? `step ${firstStep}` : `steps ${firstStep} to ${lastStep}`;
      console.log(`${output}: ${completions} completion${completions === 1 ? '' : 's'} of ${steps}`);
    });
}
