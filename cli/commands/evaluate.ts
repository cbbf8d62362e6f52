import { type Command, Option } from 'commander';
import { answerKinds, answerPlaces } from '../../trainer/contract/settings/dataset.ts';
import { UserError } from '../../trainer/contract/process/errors.ts';
import { overlong } from '../../trainer/contract/settings/training.ts';
import { type ChatOptions, chatOptions, trainerChatOption } from '../chat-options.ts';
import { resolveCheckpoint } from '../checkpoint-argument.ts';
import { type StateOption, integerFrom, numberWithin, seed, stateOption } from '../options.ts';
import { resolveStageFile } from '../stage-file-argument.ts';
import { runTrainer } from '../trainer-process.ts';

interface EvaluateOptions extends StateOption, ChatOptions {
  readonly data?: string;
  readonly show: number;
  readonly system?: string;
  readonly kind: string;
  readonly in: string;
  readonly samples: number;
  readonly limit: number;
  readonly temperature: number;
  readonly topP: number;
  readonly topK: number;
  readonly maxNewTokens: number;
  readonly maxPromptTokens: number;
  readonly overlong: string;
  readonly seed: number;
}

export function addEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .description('measure a model on prompts with checkable answers')
    .argument('<checkpoint>', 'checkpoint or Hugging Face directory, or PIPELINE/STAGE')
    .option(
      '-d, --data <file>',
      'JSONL or Parquet file: prompt (or messages) and answer in every row; when absent, PIPELINE/STAGE is measured as its manifest says',
    )
    .option('--show <count>', 'print this many completions of each dataset', integerFrom(0), 0)
    .addOption(new Option('--kind <kind>', 'how answers are compared').choices(answerKinds).default(answerKinds[0]))
    .addOption(new Option('--in <place>', 'where the answer is read').choices(answerPlaces).default(answerPlaces[0]))
    .option('-n, --samples <count>', 'completions per prompt', integerFrom(1), 1)
    .option('--limit <count>', 'at most this many rows', integerFrom(1), 200)
    .option('--temperature <number>', 'softmax temperature; 0 is greedy', numberWithin(0, 10), 1)
    .option('--top-p <number>', 'nucleus: smallest set of tokens with this probability', numberWithin(0, 1), 1)
    .option('--top-k <count>', 'only the k most likely tokens; 0 is all', integerFrom(0), 0)
    .option('--max-new-tokens <count>', 'longest completion, in tokens', integerFrom(1), 512)
    .option('--max-prompt-tokens <count>', 'longest prompt, in tokens', integerFrom(1), 512)
    .addOption(
      new Option('--overlong <way>', 'what happens with longer prompts').choices(overlong).default(overlong[0]),
    )
    .option('--seed <number>', 'seed of the random numbers', seed, 0)
    .option('--system <text>', 'system message')
    .addOption(stateOption())
    .action(async (checkpoint: string, options: EvaluateOptions) => {
      if (options.data === undefined) {
        refuseOptionsOfData(command);
        const file = await resolveStageFile(
          checkpoint,
          options.state,
          'PIPELINE/STAGE, whose own evaluation is repeated, or --data FILE',
        );
        process.exitCode = await runTrainer(['evaluate-stage', `--stage=${file}`, `--show=${options.show}`]);
        return;
      }
      const directory = await resolveCheckpoint(checkpoint, options.state);
      process.exitCode = await runTrainer([
        'evaluate',
        directory,
        `--data=${options.data}`,
        `--kind=${options.kind}`,
        `--in=${options.in}`,
        `--samples=${options.samples}`,
        `--limit=${options.limit}`,
        `--temperature=${options.temperature}`,
        `--top-p=${options.topP}`,
        `--top-k=${options.topK}`,
        `--max-new-tokens=${options.maxNewTokens}`,
        `--max-prompt-tokens=${options.maxPromptTokens}`,
        `--overlong=${options.overlong}`,
        `--seed=${options.seed}`,
        `--show=${options.show}`,
        ...(options.system === undefined ? [] : [`--system=${options.system}`]),
        ...trainerChatOption(options),
      ]);
    });
  for (const option of chatOptions()) command.addOption(option);
}

/** A stage is measured as it was told to. */
function refuseOptionsOfData(command: Command): void {
  const given = command.options.filter((option) => {
    const name = option.attributeName();
    return command.getOptionValueSource(name) === 'cli' && !['show', 'state'].includes(name);
  });
  if (given.length === 0) return;
  const names = given.map(({ long }) => long).join(', ');
  throw new UserError(`found ${names} without --data FILE; a stage's own evaluation has its settings in the manifest`);
}
