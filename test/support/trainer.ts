import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ProgressLine, progressLine, type StageResult } from '../../trainer/contract/files/progress.ts';
import { type PinnedInput, stageFile } from '../../trainer/contract/settings/stage-file.ts';
import { trainerCommand } from '../../trainer/contract/process/trainer-command.ts';
import { signalVariable, type SignalWhen } from './signal-when.ts';

/** A model so small that a stage takes a second. */
export const tinyModel = {
  init: { architecture: 'qwen3', hiddenSize: 32, layers: 2, heads: 2, kvHeads: 1, maxLength: 128 },
} as const;

export const tinyDatasets = [
  { name: 'mixture', generator: { task: 'mixture', rows: 200, digits: 1 } },
  { name: 'sums', generator: { task: 'addition', digits: 1, rows: 60, heldOut: 8 } },
  { name: 'preferences', generator: { task: 'preferences', rows: 40, heldOut: 8 } },
] as const;

export interface StageToRun {
  readonly name: string;
  readonly settings: object;
  readonly model?: object;
  readonly inputs?: Record<string, PinnedInput>;
  readonly [more: string]: unknown;
}

/** Writes a stage file into `root`; the stage's directory is `root/name`. */
export async function writeStage(
  root: string,
  { name, settings, model = tinyModel, ...more }: StageToRun,
): Promise<string> {
  const content = stageFile.parse({
    pipeline: 'test',
    stage: name,
    attempt: 1,
    seed: 3,
    settings,
    model,
    datasets: tinyDatasets,
    inputs: {},
    out: join(root, name),
    workers: 2,
    ...more,
  });
  const path = join(root, `${name}.json`);
  await writeFile(path, JSON.stringify(content));
  return path;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a stage file with the real trainer as its own process, which may get a signal at some moment. */
export function runStage(file: string, when?: SignalWhen, options: readonly string[] = []): Promise<Exit> {
  return startStage(file, { when, options }).ended;
}

export interface TrainerProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Exit>;
}

interface StartOptions {
  readonly when?: SignalWhen | undefined;
  /** A module that is loaded before the trainer, in each of its threads. */
  readonly preload?: string;
  readonly options?: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** `onOtherMachine`, or else this one. */
  readonly machine?: readonly string[];
}

export function startStage(file: string, { options = [], ...how }: StartOptions = {}): TrainerProcess {
  return startTrainer(['run', '--stage', file, ...options], how);
}

/** The real trainer with these arguments, as its own process. */
export function startTrainer(
  args: readonly string[],
  { when, preload, cwd, env, machine = [] }: StartOptions = {},
): TrainerProcess {
  const modules = [when && join(import.meta.dirname, 'signal-when.ts'), preload].filter((path) => path !== undefined);
  const [node, ...leading] = trainerCommand();
  const imports = modules.flatMap((path) => ['--import', path]);
  const [program = node, ...rest] = [...machine, node, ...imports, ...leading, ...args];
  const child = spawn(program, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env, NODE_OPTIONS: '', ...(when && { [signalVariable]: JSON.stringify(when) }) },
    ...(cwd !== undefined && { cwd }),
  });
  const [stdout, stderr]: [string[], string[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk.toString()));
  const ended = new Promise<Exit>((resolve) => {
    child.on('close', (code, signal) =>
      resolve({ code, signal, stdout: stdout.join(''), stderr: withoutNotice(stderr.join('')) }),
    );
  });
  return { child, ended };
}

/** Without what it says on a machine that has no compiled kernels: they change time, and no test. */
function withoutNotice(stderr: string): string {
  return stderr.replace(/^running (?:without the kernels|through onnxruntime-node).*\n/m, '');
}

/** What a trainer said on stdout. */
export function progressOf({ stdout }: Pick<Exit, 'stdout'>): ProgressLine[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => progressLine.parse(JSON.parse(line)));
}

/** What it said of its work. On a busy machine it also tells which rows it looks at. */
export function workOf(exit: Pick<Exit, 'stdout'>): ProgressLine[] {
  return progressOf(exit).filter(({ phase }) => phase !== 'check');
}

/** The line that says where training begins. On a busy machine others come before it: which rows are looked at, what is measured. */
export function beginningOf(exit: Pick<Exit, 'stdout'>): ProgressLine | undefined {
  return progressOf(exit).find(({ phase }) => phase === 'train');
}

/** Runs a stage that must succeed. */
export async function runToResult(root: string, stage: StageToRun): Promise<StageResult> {
  const { code, stderr } = await runStage(await writeStage(root, stage));
  if (code !== 0) throw new Error(`stage ${stage.name} ended with ${code}: ${stderr}`);
  return readResult(root, stage.name);
}

export async function readResult(root: string, name: string): Promise<StageResult> {
  return JSON.parse(await readFile(join(root, name, 'result.json'), 'utf8')) as StageResult;
}

/** The output of a finished stage as another one pins it. */
export async function pin(root: string, stage: string): Promise<PinnedInput> {
  const { checkpoint } = await readResult(root, stage);
  if (!checkpoint) throw new Error(`stage ${stage} has no checkpoint`);
  return { stage, path: checkpoint.path, digest: checkpoint.digest };
}

export async function lines(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '');
}

/** The lines of a stage's metrics or samples without what differs from run to run. */
export async function logOf(out: string, name: 'metrics.jsonl' | 'samples.jsonl'): Promise<object[]> {
  return (await lines(join(out, name))).map((line) => {
    const figures = Object.entries(JSON.parse(line) as object);
    return Object.fromEntries(figures.filter(([key]) => !/^time$|_time$|_per_s$/.test(key)));
  });
}
