import { type ChildProcess, spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StageResult } from '../../trainer/contract/progress.ts';
import { type PinnedInput, stageFile } from '../../trainer/contract/stage-file.ts';

/** A model so small that a stage takes a second. */
export const tinyModel = {
  init: { architecture: 'qwen3', hiddenSize: 32, layers: 2, heads: 2, kvHeads: 1, maxLength: 128 },
} as const;

export const tinyDatasets = [
  { name: 'mixture', generator: { task: 'mixture', rows: 200, digits: 1 } },
  { name: 'sums', generator: { task: 'addition', digits: 1, rows: 60, heldOut: 8 } },
  { name: 'preferences', generator: { task: 'preferences', rows: 40, heldOut: 8 } },
] as const;

interface StageToRun {
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

export interface RunningTrainer {
  readonly process: ChildProcess;
  readonly exit: Promise<Exit>;
}

/** Starts the real trainer as its own process. */
export function startTrainer(...args: readonly string[]): RunningTrainer {
  const child = spawn(process.execPath, ['trainer/main.ts', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const [stdout, stderr]: [string[], string[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk.toString()));
  const exit = new Promise<Exit>((resolve) => {
    child.on('close', (code, signal) => resolve({ code, signal, stdout: stdout.join(''), stderr: stderr.join('') }));
  });
  return { process: child, exit };
}

export async function runStage(file: string): Promise<Exit> {
  return startTrainer('run', '--stage', file).exit;
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

/** Waits until `happened` holds, and fails after 30 seconds. */
export async function waitFor(what: string, happened: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 3000; tries++) {
    if (await happened()) return;
    await sleep(10);
  }
  throw new Error(`waited 30 s in vain for ${what}`);
}

export async function lines(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text.split('\n').filter((line) => line !== '');
}
