import type { Command } from 'commander';
import { writeReport } from '../../trainer/report/write-report.ts';
import { type StateOption, stateOption } from '../options.ts';
import { pipelineDirectory, readPipeline } from '../state.ts';

interface ReportOptions extends StateOption {
  readonly output?: string;
}

export function addReport(program: Command): void {
  program
    .command('report')
    .description('write the report of a pipeline, one HTML file')
    .argument('<pipeline>', 'name of the pipeline')
    .option('-o, --output <file>', 'where to write it (default: report.html in the state of the pipeline)')
    .addOption(stateOption())
    .action(async (name: string, { state, output }: ReportOptions) => {
      await readPipeline(state, name);
      console.log(await writeReport(pipelineDirectory(state, name), output));
    });
}
