import { type Command, Option } from 'commander';
import { answerKinds } from '../../trainer/contract/dataset.ts';
import { resolveCheckpoint } from '../checkpoint-argument.ts';
import { type StateOption, integerFrom, numberWithin, stateOption } from '../options.ts';
import { runTrainer } from '../trainer-process.ts';

interface EvaluateOptions extends StateOption {
  readonly data: string;
  readonly answerKind: string;
  readonly answerIn: string;
  readonly samples: number;
  readonly limit: number;
  readonly temperature: number;
  readonly maxNewTokens: number;
  readonly seed: number;
}

export function addEvaluate(program: Command): void {
  program
    .command('evaluate')
    .description('measure a model on prompts with checkable answers')
    .argument('<checkpoint>', 'checkpoint or Hugging Face directory, or PIPELINE/STAGE')
    .requiredOption('-d, --data <file>', 'JSONL file: prompt (or messages) and answer in every line')
    .addOption(
      new Option('--answer-kind <kind>', 'how answers are compared').choices(answerKinds).default(answerKinds[0]),
    )
    .addOption(
      new Option('--answer-in <place>', 'where the answer is read')
        .choices(['answerTag', 'completion'])
        .default('answerTag'),
    )
    .option('-n, --samples <count>', 'completions per prompt', integerFrom(1), 1)
    .option('--limit <count>', 'at most this many rows', integerFrom(1), 200)
    .option('--temperature <number>', 'softmax temperature; 0 is greedy', numberWithin(0, 10), 1)
    .option('--max-new-tokens <count>', 'longest completion, in tokens', integerFrom(1), 512)
    .option('--seed <number>', 'seed of the random numbers', integerFrom(0), 0)
    .addOption(stateOption())
    .action(async (checkpoint: string, options: EvaluateOptions) => {
      const directory = await resolveCheckpoint(checkpoint, options.state);
      process.exitCode = await runTrainer([
        'evaluate',
        directory,
        `--data=${options.data}`,
        `--answer-kind=${options.answerKind}`,
        `--answer-in=${options.answerIn}`,
        `--samples=${options.samples}`,
        `--limit=${options.limit}`,
        `--temperature=${options.temperature}`,
        `--max-new-tokens=${options.maxNewTokens}`,
        `--seed=${options.seed}`,
      ]);
    });
}
