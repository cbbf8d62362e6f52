import type { ChildProcess } from 'node:child_process';
import { glob, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, expect, test } from '@jest/globals';
import type { R1Stage } from '../../operator/api/resources/stage.ts';
import { readPipelineState } from '../../operator/local/pipeline-state.ts';
import { findProcesses } from '../../trainer/contract/process/process-table.ts';
import type { StageResult } from '../../trainer/contract/files/progress.ts';
import { type CliResult, r1 } from '../support/cli.ts';
import { useSharedDirectory } from '../support/shared-directory.ts';
import { patienceMs } from '../support/eventually.ts';
import { beginningOf, lines, logOf } from '../support/trainer.ts';

const manifest = join(import.meta.dirname, '../fixtures/pipelines/mini.yaml');
const stages = ['base', 'zero', 'samples', 'review', 'cold-start', 'helpfulness', 'r1', 'measured'] as const;
type Stage = (typeof stages)[number];

const directory = useSharedDirectory();
let undisturbed: CliResult;
beforeAll(async () => {
  undisturbed = await r1(['run', manifest, '--state', stateDir('undisturbed')]);
});

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const { pid } of await findProcesses(`--stage ${directory()}/`)) process.kill(pid, 'SIGKILL');
});

test('runs every type of stage with the real trainer and reports each of them', async () => {
  expect(undisturbed).toMatchObject({ code: 0, stderr: '' });
  const report = await reportOf('undisturbed');
  for (const stage of stages) {
    expect(undisturbed.stdout).toMatch(new RegExp(`^${stage}: succeeded after `, 'm'));
    expect(report).toContain(`id="stage-${stage}"`);
  }
});

test('every checkpoint and all rows of a run are linked to what they were made from', async () => {
  const { code, stdout, stderr } = await r1(['verify', 'mini', '--state', stateDir('undisturbed')]);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^cold-start .* base, review +\d+$/m);
  expect(stdout).toMatch(/^r1 .* cold-start, helpfulness +\d+$/m);
});

test.each([
  { stage: 'zero', says: 'steps 36 to 40 of zero, from the state saved in step-000035' },
  { stage: 'samples', says: 'all rows of samples, from its inputs' },
])('the end of $stage computed again gives the same bits', async ({ stage, says }) => {
  const args = ['--replay', '3', '--stage', stage, '--state', stateDir('undisturbed')];
  const { code, stderr } = await r1(['verify', 'mini', ...args]);
  expect(code).toBe(0);
  expect(stderr).toContain(`computed again: ${says}: every file is the same, bit for bit\n`);
});

/** What happens in the middle of a stage, and how its first attempt then ends. */
const disturbances = [
  { stage: 'base', disturb: interrupt, ends: 'Interrupted' },
  { stage: 'zero', disturb: killRun, ends: 'Interrupted' },
  { stage: 'samples', disturb: killTrainer, ends: 'Failed' },
  { stage: 'cold-start', disturb: killBoth, ends: 'Interrupted' },
  { stage: 'helpfulness', disturb: killTrainer, ends: 'Failed' },
] as const;

test('a run interrupted and killed in the middle of its stages ends as an undisturbed one and repeats no finished work', async () => {
  const finished = new Map<string, object>();
  let runner = await startRun();
  for (const { stage, disturb } of disturbances) {
    await until(`saved work of ${stage}`, () => hasSavedWork(stage));
    const trainer = await trainerOf(stage);
    process.kill(trainer, 'SIGSTOP'); // lest it end by itself before
    for (const path of await finishedWork()) if (!finished.has(path)) finished.set(path, await identity(path));
    process.kill(trainer, 'SIGCONT');
    runner = await disturb(runner, trainer);
  }
  expect((await runner.ended).code).toBe(0);

  expect(await outcomes('disturbed')).toEqual(await outcomes('undisturbed'));
  expect(await attempts('disturbed')).toEqual({
    ...Object.fromEntries(stages.map((stage) => [stage, ['Succeeded']])),
    ...Object.fromEntries(disturbances.map(({ stage, ends }) => [stage, [ends, 'Succeeded']])),
  });
  for (const [path, before] of finished) expect(await identity(path)).toEqual(before);
  for (const stage of ['base', 'zero', 'cold-start', 'helpfulness'] as const)
    expect(await firstStep(stage, 2)).toBeGreaterThanOrEqual(5);
  for (const stage of stages) {
    for (const log of ['metrics.jsonl', 'samples.jsonl'] as const)
      expect(await logOf(volume('disturbed', stage), log)).toEqual(await logOf(volume('undisturbed', stage), log));
  }
});

function stateDir(run: string): string {
  return join(directory(), run);
}

function volume(run: string, stage: Stage): string {
  return join(stateDir(run), 'mini/volume', stage);
}

function reportOf(run: string): Promise<string> {
  return readFile(join(stateDir(run), 'mini/report.html'), 'utf8');
}

async function statesOf(run: string): Promise<readonly R1Stage[]> {
  return (await readPipelineState(stateDir(run), 'mini'))?.stages ?? [];
}

/** Digest and figures of every stage. */
async function outcomes(run: string): Promise<object[]> {
  return (await statesOf(run)).map(({ spec, status }) => {
    return { stage: spec.stage, digest: status?.checkpoint?.digest, metrics: status?.metrics };
  });
}

/** How the attempts of every stage ended. */
async function attempts(run: string): Promise<Record<string, readonly string[] | undefined>> {
  return Object.fromEntries(
    (await statesOf(run)).map(({ spec, status }) => [spec.stage, status?.attempts.map(({ outcome }) => outcome)]),
  );
}

/** The step that an attempt of the disturbed run began with. */
async function firstStep(stage: Stage, attempt: number): Promise<number | undefined> {
  const log = await lines(join(stateDir('disturbed'), `mini/logs/${stage}.attempt-${attempt}.log`));
  return beginningOf({ stdout: log.filter((line) => line.startsWith('{')).join('\n') })?.step;
}

interface Runner {
  readonly child: ChildProcess;
  readonly ended: Promise<CliResult>;
}

/** Starts the real `r1 run`; settles once it has said something. */
function startRun(): Promise<Runner> {
  return new Promise((resolve, reject) => {
    const ended: Promise<CliResult> = r1(['run', manifest, '--state', stateDir('disturbed')], {
      onStdout(_, child) {
        if (!children.includes(child)) children.push(child);
        resolve({ child, ended });
      },
    });
    ended.then(({ stderr }) => reject(new Error(stderr)), reject); // does nothing if it had begun
  });
}

async function interrupt({ child, ended }: Runner): Promise<Runner> {
  child.kill('SIGINT');
  expect((await ended).code).toBe(130);
  expect(await reportOf('disturbed')).toContain('id="stage-base"');
  return startRun();
}

/** The trainer outlives its run, and the next run asks it to save and end. */
async function killRun({ child, ended }: Runner, trainer: number): Promise<Runner> {
  process.kill(trainer, 'SIGSTOP'); // lest it end by itself before
  child.kill('SIGKILL');
  await ended;
  const next = startRun();
  await until('the next run to end the trainer', () => wasAskedToEnd(trainer));
  process.kill(trainer, 'SIGCONT');
  return next;
}

async function killTrainer(runner: Runner, trainer: number): Promise<Runner> {
  process.kill(trainer, 'SIGKILL');
  return runner;
}

async function killBoth({ child, ended }: Runner, trainer: number): Promise<Runner> {
  process.kill(trainer, 'SIGSTOP');
  child.kill('SIGKILL');
  process.kill(trainer, 'SIGKILL');
  await ended;
  return startRun();
}

async function trainerOf(stage: Stage): Promise<number> {
  const trainers = await findProcesses(`--stage ${stateDir('disturbed')}/mini/files/${stage}.attempt-1.json`);
  expect(trainers).toHaveLength(1);
  return trainers[0]?.pid ?? NaN;
}

/** SIGTERM (15) is pending for a stopped process; proc(5) shows a mask, its lowest bit for signal 1. */
async function wasAskedToEnd(pid: number): Promise<boolean> {
  const [, mask = '0'] = /^ShdPnd:\s*([0-9a-f]+)$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? [];
  return (BigInt(`0x${mask}`) & (1n << 14n)) !== 0n;
}

/** The stage is past its first checkpoint, or its second chunk. */
async function hasSavedWork(stage: Stage): Promise<boolean> {
  if (stage === 'samples') return (await filesOf('volume/samples/chunks-*/000001.json')).length > 0;
  return (await lines(join(volume('disturbed', stage), 'metrics.jsonl'))).length >= 8;
}

/** Results of finished stages, and chunks of samples. */
async function finishedWork(): Promise<string[]> {
  const results = await filesOf('volume/*/result.json');
  const succeeded = await Promise.all(results.map(hasSucceeded));
  return [...results.filter((_, at) => succeeded[at]), ...(await filesOf('volume/samples/chunks-*/*.json'))];
}

async function hasSucceeded(result: string): Promise<boolean> {
  return (JSON.parse(await readFile(result, 'utf8')) as StageResult).outcome === 'succeeded';
}

async function filesOf(pattern: string): Promise<string[]> {
  const root = join(stateDir('disturbed'), 'mini');
  return (await Array.fromAsync(glob(pattern, { cwd: root }))).map((path) => join(root, path));
}

/** Another one as soon as a file was written again. */
async function identity(path: string): Promise<object> {
  const { ino, mtimeMs } = await stat(path);
  return { path, ino, mtimeMs };
}

async function until(what: string, happened: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + patienceMs;
  while (!(await happened())) {
    if (Date.now() > deadlineMs) throw new Error(`waited in vain for ${what}`);
    await sleep(10);
  }
}
