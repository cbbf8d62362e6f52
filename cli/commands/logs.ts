import type { Command } from 'commander';
import { UserError } from '../../trainer/contract/process/errors.ts';
import { progressLine } from '../../trainer/contract/files/progress.ts';
import { namesCluster } from '../cluster/options.ts';
import { stageLogs } from '../cluster/stage-logs.ts';
import { withCluster } from '../cluster/with-cluster.ts';
import { progressText } from '../display/progress-text.ts';
import { localLogs } from '../local-logs.ts';
import { integerFrom } from '../options.ts';
import { pipelineAndStage } from '../pipeline-and-stage.ts';
import { addPlaceOptions, type PlaceOptions } from '../place-options.ts';

interface LogsOptions extends PlaceOptions {
  readonly follow: boolean;
  readonly attempt?: number;
  readonly rollout?: number;
  readonly raw: boolean;
}

export function addLogs(program: Command): void {
  const command = program
    .command('logs')
    .description('print what the trainer said in the newest attempt of a stage')
    .argument('<pipeline>', 'name of the pipeline, or PIPELINE/STAGE')
    .argument('[stage]', 'name of the stage')
    .option('-f, --follow', 'go on until the stage has ended', false)
    .option('--attempt <number>', 'this attempt instead of the newest', integerFrom(1))
    .option('--rollout <index>', 'on a cluster: this rollout worker instead of the trainer', integerFrom(0))
    .option('--raw', 'progress lines as JSON, as they were written', false);
  addPlaceOptions(command).action(logs);
}

async function logs(first: string, second: string | undefined, options: LogsOptions): Promise<void> {
  const [pipeline, stage] = namesOf(first, second);
  const show = options.raw ? (line: string) => line : readable;
  const print = async (lines: AsyncIterable<string>): Promise<void> => {
    for await (const line of lines) process.stdout.write(`${show(line)}\n`);
  };
  const { state } = options;
  if (state === undefined || namesCluster(options)) {
    await withCluster(options, (cluster) => print(stageLogs(cluster, pipeline, stage, { ...options, note })));
    return;
  }
  if (options.rollout !== undefined) {
    throw new UserError(
      'logs: found --rollout, expected it with a cluster; rollout workers of this machine write to the log of their stage',
    );
  }
  await print(localLogs(pipeline, stage, { ...options, state }));
}

function namesOf(first: string, second: string | undefined): readonly [pipeline: string, stage: string] {
  const named = second === undefined ? pipelineAndStage(first) : ([first, second] as const);
  if (named !== undefined) return named;
  throw new UserError(`logs: found ${first} and no stage, expected PIPELINE STAGE or PIPELINE/STAGE`);
}

function note(text: string): void {
  console.error(`r1: ${text}`);
}

function readable(line: string): string {
  if (!line.startsWith('{"type":"progress"')) return line;
  try {
    const progress = progressLine.safeParse(JSON.parse(line));
    return progress.success ? `${progress.data.time.slice(11, 19)} ${progressText(progress.data)}` : line;
  } catch {
    return line; // cut off
  }
}
