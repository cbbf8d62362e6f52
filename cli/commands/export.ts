import { type Command, Option } from 'commander';
import { precisions } from '../../trainer/contract/settings/training.ts';
import { resolveCheckpoint } from '../checkpoint-argument.ts';
import { type StateOption, stateOption } from '../options.ts';
import { runTrainer } from '../trainer-process.ts';

interface ExportOptions extends StateOption {
  readonly dtype: string;
}

export function addExport(program: Command): void {
  program
    .command('export')
    .description('write a model as a Hugging Face directory, for transformers, vLLM or the Hub')
    .argument('<checkpoint>', 'checkpoint or Hugging Face directory, or PIPELINE/STAGE')
    .argument('<directory>', 'where it is written: an empty directory, or none yet')
    .addOption(new Option('--dtype <type>', 'type of the weights').choices(precisions).default(precisions[0]))
    .addOption(stateOption())
    .action(async (checkpoint: string, directory: string, { dtype, state }: ExportOptions) => {
      const from = await resolveCheckpoint(checkpoint, state);
      process.exitCode = await runTrainer(['export', from, directory, `--dtype=${dtype}`]);
    });
}
