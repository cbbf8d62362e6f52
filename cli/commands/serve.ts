import { basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { type ChatOptions, chatOptions, trainerChatOption } from '../chat-options.ts';
import { resolveCheckpoint } from '../checkpoint-argument.ts';
import { type StateOption, integerFrom, stateOption } from '../options.ts';
import { pipelineAndStage } from '../pipeline-and-stage.ts';
import { runTrainer } from '../trainer-process.ts';

interface ServeOptions extends StateOption, ChatOptions {
  readonly host: string;
  readonly port: number;
  readonly name?: string;
}

export function addServe(program: Command): void {
  const command = program
    .command('serve')
    .description("answer requests to a model in the form of OpenAI's API; with R1_API_KEY, of those who send this key")
    .argument('<checkpoint>', 'checkpoint or Hugging Face directory, or PIPELINE/STAGE')
    .option('--host <address>', 'address to listen on; any but a loopback address needs R1_API_KEY', '127.0.0.1')
    .option('--port <port>', 'port to listen on; 0 is any that is free', integerFrom(0, 65_535), 8000)
    .option('--name <name>', 'what clients call the model; PIPELINE/STAGE or the name of the directory when absent')
    .addOption(stateOption())
    .action(async (checkpoint: string, options: ServeOptions) => {
      const directory = await resolveCheckpoint(checkpoint, options.state);
      process.exitCode = await runTrainer([
        'serve',
        directory,
        `--name=${options.name ?? nameOf(checkpoint)}`,
        `--host=${options.host}`,
        `--port=${options.port}`,
        ...trainerChatOption(options),
      ]);
    });
  for (const option of chatOptions()) command.addOption(option);
}

function nameOf(checkpoint: string): string {
  return pipelineAndStage(checkpoint)?.join('/') ?? basename(resolve(checkpoint));
}
