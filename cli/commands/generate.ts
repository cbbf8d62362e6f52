import type { Command } from 'commander';
import { type ChatOptions, chatOptions, trainerChatOption } from '../chat-options.ts';
import { resolveCheckpoint } from '../checkpoint-argument.ts';
import { type StateOption, integerFrom, numberWithin, seed, stateOption } from '../options.ts';
import { runTrainer } from '../trainer-process.ts';

interface GenerateOptions extends StateOption, ChatOptions {
  readonly prompt: string;
  readonly system?: string;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly maxNewTokens: number;
  readonly seed: number;
  readonly samples: number;
}

export function addGenerate(program: Command): void {
  const command = program
    .command('generate')
    .description('print completions of a prompt')
    .argument('<checkpoint>', 'checkpoint or Hugging Face directory, or PIPELINE/STAGE')
    .requiredOption('-p, --prompt <text>', 'user message')
    .option('--system <text>', 'system message')
    .option('--temperature <number>', 'softmax temperature; 0 is greedy', numberWithin(0, 10), 0.6)
    .option('--top-p <number>', 'nucleus: smallest set of tokens with this probability', numberWithin(0, 1), 0.95)
    .option('--top-k <count>', 'only the k most likely tokens; 0 is all', integerFrom(0), 0)
    .option('--max-new-tokens <count>', 'longest completion, in tokens', integerFrom(1), 512)
    .option('--seed <number>', 'seed of the random numbers', seed, 0)
    .option('-n, --samples <count>', 'completions', integerFrom(1), 1)
    .addOption(stateOption())
    .action(async (checkpoint: string, options: GenerateOptions) => {
      const directory = await resolveCheckpoint(checkpoint, options.state);
      process.exitCode = await runTrainer([
        'generate',
        directory,
        `--prompt=${options.prompt}`,
        ...(options.system === undefined ? [] : [`--system=${options.system}`]),
        `--temperature=${options.temperature}`,
        `--top-p=${options.topP}`,
        `--top-k=${options.topK}`,
        `--max-new-tokens=${options.maxNewTokens}`,
        `--seed=${options.seed}`,
        `--samples=${options.samples}`,
        ...trainerChatOption(options),
      ]);
    });
  for (const option of chatOptions()) command.addOption(option);
}
