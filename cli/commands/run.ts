import { relative } from 'node:path';
import { type Command, Option } from 'commander';
import type { R1Pipeline } from '../../operator/api/resources/pipeline.ts';
import type { RunEvent, RunsHere } from '../../operator/local/run-options.ts';
import { runPipeline } from '../../operator/local/run-pipeline.ts';
import type { RunResult } from '../../operator/local/run-result.ts';
import { type Device, devices } from '../../trainer/contract/settings/device.ts';
import { UserError } from '../../trainer/contract/process/errors.ts';
import { writeReport } from '../../trainer/report/write-report.ts';
import type { Display } from '../display/display.ts';
import { displayOn } from '../display/display-on.ts';
import { shortDuration } from '../display/progress-text.ts';
import { printOutcome } from '../display/summary.ts';
import { interruptible } from '../interruptible.ts';
import { readManifestFile, refuseProblems } from '../manifest-file.ts';
import { watchMemory } from '../memory.ts';
import { type StateOption, integerFrom, repeatable, stateOption } from '../options.ts';
import { pipelineDirectory } from '../state.ts';
import { waysToAsk } from '../ways-to-ask.ts';

interface RunOptions extends StateOption {
  readonly workers?: number;
  readonly device?: Device;
  readonly rerunFrom?: readonly string[];
}

export function addRun(program: Command): void {
  program
    .command('run')
    .description('run a pipeline on this machine, or go on with it; Ctrl-C saves and stops')
    .argument('<file>', 'manifest with one R1Pipeline')
    .option('--workers <count>', 'worker threads of the trainer; they change time and nothing else', integerFrom(1))
    .addOption(
      new Option('--device <device>', 'where the trainer computes, whatever the manifest says').choices(devices),
    )
    .option(
      '--rerun-from <stage>',
      'forget this stage and all that use what it gives, and run them again; repeatable',
      repeatable,
    )
    .addOption(stateOption())
    .action(run);
}

async function run(file: string, options: RunOptions): Promise<void> {
  const { workers, device } = options;
  const manifest = await readManifest(file, { workers, device });
  const display = displayOn(process.stdout);
  const memory = watchMemory();
  const startedMs = performance.now();
  const result = await showing(display, (signals) =>
    runPipeline({
      manifest,
      manifestFile: file,
      stateDir: options.state,
      workers,
      device,
      ...(options.rerunFrom !== undefined && { rerunFrom: options.rerunFrom }),
      onEvent: (event) => show(event, display),
      ...signals,
    }),
  );
  const took = shortDuration((performance.now() - startedMs) / 1000);
  const peakBytes = await memory.stop();
  const peak = peakBytes === undefined ? '' : `, peak memory ${(peakBytes / 2 ** 30).toFixed(2)} GiB`;
  const where = options.state === '.r1' ? '' : ` --state ${options.state}`;
  const command = (verb: string) => `r1 ${verb}${where} ${manifest.metadata.name}`;
  printOutcome(result, `${took}${peak}`, command);
  const directory = pipelineDirectory(options.state, manifest.metadata.name);
  if (result.succeeded) for (const line of await waysToAsk(result, directory, command)) console.log(line);
  await report(directory, manifest.metadata.name);
  process.exitCode = result.exitCode;
}

/** What the run came to does not depend on its report. */
async function report(directory: string, pipeline: string): Promise<void> {
  try {
    console.log(`Report: ${relative('.', await writeReport(directory))}`);
  } catch (error) {
    console.error(`r1: no report (r1 report ${pipeline} writes one): ${(error as Error).message}`);
  }
}

/** The display ends before an error is printed, so that the two do not mix. */
async function showing(
  display: Display,
  start: (signals: { signal: AbortSignal; killSignal: AbortSignal }) => Promise<RunResult>,
): Promise<RunResult> {
  try {
    return await interruptible((text) => display.note(text), start);
  } finally {
    display.end();
  }
}

async function readManifest(file: string, here: RunsHere): Promise<R1Pipeline> {
  const { pipelines, stages, problems } = await readManifestFile(file, here);
  refuseProblems(file, problems);
  const [pipeline, ...others] = pipelines;
  if (!pipeline || others.length > 0 || stages.length > 0) {
    const found = [...pipelines, ...stages].map(({ kind, metadata }) => `${kind} ${metadata.name}`).join(', ');
    throw new UserError(`${file}: expected one R1Pipeline, found ${found}`);
  }
  return pipeline;
}

function show(event: RunEvent, display: Display): void {
  if (event.type === 'state') display.update(event);
  else if (event.type === 'note') display.note(event.message);
}
