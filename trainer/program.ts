import { Command, Option } from 'commander';
import { answerKinds, answerPlaces } from './contract/settings/dataset.ts';
import { devices } from './contract/settings/device.ts';
import { overlong, type Precision, precisions } from './contract/settings/training.ts';
import { checkFiles } from './stages/checks/check-files.ts';
import { exportModel } from './stages/policy/export-model.ts';
import { evaluateCheckpoint, evaluateStageAgain, generateFromCheckpoint } from './stages/one-off.ts';
import { sampleForLearner } from './stages/rollout/rollout-worker.ts';
import type { ReviewAgainOptions } from './stages/review/review-again.ts';
import { reportFailure } from './stages/failure.ts';
import { runStage } from './stages/run-stage.ts';

const program = new Command('r1-trainer').description('Runs one stage of an R1 pipeline, or a checkpoint on its own.');

program
  .command('run')
  .description('run the stage that a stage file describes')
  .requiredOption('--stage <file>', 'stage file (JSON)')
  .option('--result <file>', 'also write the result here, in at most 4096 bytes: the termination log of a pod')
  .action(async ({ stage, result }: { stage: string; result?: string }) => {
    process.exitCode = await runStage(stage, result);
  });

program
  .command('check')
  .description(
    'look at the files that the JSON on stdin names, and print what is wrong with them, a JSON object a line',
  )
  .action(checkFiles);

program
  .command('rollout')
  .description('sample for a learner elsewhere, until its stage is done')
  .requiredOption('--learner <url>', 'where the learner listens')
  .requiredOption('--token-file <file>', 'file with the secret that it shares')
  .option('--workers <count>', 'worker threads; one per core when absent', Number)
  .addOption(new Option('--device <device>', 'where it computes, as the learner does').choices(devices))
  .option('--patience <seconds>', 'how long the learner may be away; for ever when absent', Number)
  .action(sampleForLearner);

program
  .command('fetch')
  .description('download a model from the Hub that HF_ENDPOINT names, with HF_TOKEN if there is one')
  .requiredOption('--repo <repo>', 'owner/name')
  .option('--revision <revision>', 'branch, tag or commit', 'main')
  .requiredOption('--to <directory>', 'directory that gets <owner>--<name>@<revision>')
  .action(async (options: { repo: string; revision: string; to: string }) => {
    const { fetchFromHub } = await import('./hub/fetch-command.ts'); // of no use to a stage, and slow to load
    // A proxy that never answers would keep the process for as long as its connection is tried.
    await fetchFromHub(options).catch((error: unknown) => process.exit(reportFailure(error)));
  });

program
  .command('generate')
  .description('print completions of a prompt')
  .argument('<checkpoint>', 'checkpoint or Hugging Face directory')
  .requiredOption('--prompt <text>', 'user message')
  .option('--system <text>', 'system message')
  .option('--temperature <number>', 'softmax temperature; 0 is greedy', Number, 0)
  .option('--top-p <number>', 'nucleus probability', Number, 1)
  .option('--top-k <count>', 'only the k most likely tokens; 0 is all', Number, 0)
  .option('--max-new-tokens <count>', 'longest completion', Number, 256)
  .option('--seed <number>', 'seed of the random numbers', Number, 0)
  .option('--samples <count>', 'completions', Number, 1)
  .option('--chat <json>', 'what chat is in a manifest')
  .action(generateFromCheckpoint);

program
  .command('serve')
  .description("answer requests to a checkpoint in the form of OpenAI's API, until a signal")
  .argument('<checkpoint>', 'checkpoint or Hugging Face directory')
  .requiredOption('--name <name>', 'what clients call the model')
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--port <port>', 'port to listen on; 0 is any that is free', Number, 8000)
  .option('--chat <json>', 'what chat is in a manifest')
  .action(async (checkpoint: string, options: { name: string; host: string; port: number; chat?: string }) => {
    const { serveCheckpoint } = await import('./serve/serve-checkpoint.ts'); // of no use to a stage
    await serveCheckpoint(checkpoint, options);
  });

program
  .command('evaluate')
  .description('measure a checkpoint on prompts with checkable answers')
  .argument('<checkpoint>', 'checkpoint or Hugging Face directory')
  .requiredOption('--data <file>', 'JSONL or Parquet file with prompt (or messages) and answer')
  .addOption(new Option('--kind <kind>', 'how answers are compared').choices(answerKinds).default(answerKinds[0]))
  .addOption(new Option('--in <place>', 'where the answer is read').choices(answerPlaces).default(answerPlaces[0]))
  .option('--samples <count>', 'completions per prompt', Number, 1)
  .option('--limit <count>', 'at most this many rows', Number, 200)
  .option('--temperature <number>', 'softmax temperature; 0 is greedy', Number, 1)
  .option('--top-p <number>', 'nucleus probability', Number, 1)
  .option('--top-k <count>', 'only the k most likely tokens; 0 is all', Number, 0)
  .option('--max-new-tokens <count>', 'longest completion', Number, 256)
  .option('--max-prompt-tokens <count>', 'longest prompt', Number, 512)
  .addOption(new Option('--overlong <way>', 'what happens with longer prompts').choices(overlong).default(overlong[0]))
  .option('--seed <number>', 'seed of the random numbers', Number, 0)
  .option('--system <text>', 'system message')
  .option('--chat <json>', 'what chat is in a manifest')
  .option('--show <count>', 'completions to print', Number, 0)
  .action(evaluateCheckpoint);

program
  .command('evaluate-stage')
  .description('measure what a finished stage has made once more, as the stage was told to')
  .requiredOption('--stage <file>', 'stage file (JSON)')
  .option('--show <count>', 'completions of each dataset to print', Number, 0)
  .action(evaluateStageAgain);

program
  .command('review')
  .description('let people decide on the rows of a review stage, or take rows out and decisions in')
  .requiredOption('--stage <file>', 'stage file (JSON)')
  .option('--export <file>', 'write the rows there, as JSONL')
  .option('--import <file>', 'take the decisions there, as JSONL')
  .option('--reviewer <name>', 'who decides')
  .action(async (options: ReviewAgainOptions) => {
    const { reviewAgain } = await import('./stages/review/review-again.ts'); // of no use to a stage
    await reviewAgain(options);
  });

program
  .command('export')
  .description('write the model of a checkpoint as a Hugging Face directory')
  .argument('<checkpoint>', 'checkpoint or Hugging Face directory')
  .argument('<directory>', 'where it is written')
  .addOption(new Option('--dtype <type>', 'type of the weights').choices(precisions).default(precisions[0]))
  .action((from: string, to: string, { dtype }: { dtype: Precision }) => exportModel(from, to, dtype));

/** `r1` has the same commands, and a person hears of no second program. */
const commandsOfCli = ['generate', 'serve', 'evaluate', 'evaluate-stage', 'review', 'export'];

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = reportFailure(error, commandsOfCli.includes(process.argv[2] ?? '') ? 'r1' : undefined);
}
