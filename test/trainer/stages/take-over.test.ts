import { execFileSync } from 'node:child_process';
import { glob, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { exitCodes } from '../../../trainer/contract/process/exit-codes.ts';
import {
  logOf,
  beginningOf,
  readResult,
  runStage,
  startStage,
  type TrainerProcess,
  writeStage,
} from '../../support/trainer.ts';

const settings = {
  pretrain: { pretrain: { data: ['mixture'], steps: 8, batch: 8, checkpointEvery: 2 } },
  sample: { sample: { prompts: ['mixture'], perPrompt: 1, keep: [], sampling: { maxNewTokens: 4 } } },
};
type Type = keyof typeof settings;

let root: string;
const undisturbed: Partial<Record<Type, { out: string; digest: string | undefined }>> = {};
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-take-over-'));
  for (const type of ['pretrain', 'sample'] as const) {
    const out = join(root, `whole-${type}`);
    expect(await runStage(await attemptOf(join(root, type), type, { out }))).toMatchObject({ code: 0, stderr: '' });
    undisturbed[type] = { out, digest: (await readResult(out, '')).checkpoint?.digest };
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

test.each([
  { type: 'pretrain', saved: 'attempt-1/metrics.jsonl', holds: '"step":7,', killedAt: 'attempt-1.closed' },
  { type: 'pretrain', saved: 'attempt-1/metrics.jsonl', holds: '"step":7,', killedAt: 'attempt-2/step-000004' },
  { type: 'pretrain', saved: 'attempt-1/metrics.jsonl', holds: '"step":7,', killedAt: 'attempt-2/metrics.jsonl' },
  { type: 'sample', saved: 'attempt-1/chunks-*/000002.json', killedAt: 'attempt-2/chunks-*' },
  { type: 'sample', saved: 'attempt-1/data/checkpoint.json', killedAt: 'attempt-2/data' },
] as const)(
  'a $type stage killed once while it works ($saved) and once when it has $killedAt ends as if undisturbed',
  async ({ type, saved, killedAt, ...more }) => {
    const run = join(await mkdtemp(join(root, `${type}-`)), '0badcafe');
    for (const other of ['deadbeef', 'cafecafe']) await mkdir(join(run, '..', other, 'attempt-1'), { recursive: true });
    const first = await attemptOf(run, type);
    expect((await runStage(first, { file: join(run, saved), ...more })).signal).toBe('SIGKILL');
    const second = await attemptOf(run, type, { attempt: 2 });
    expect((await runStage(second, { file: join(run, killedAt) })).signal).toBe('SIGKILL');

    const third = await runStage(await attemptOf(run, type, { attempt: 3 }));
    expect(third).toMatchObject({ code: 0, stderr: '' });
    if (type === 'pretrain') expect(beginningOf(third)).toMatchObject({ step: 6 });
    await expectAsUndisturbed(type, join(run, 'attempt-3'));
    expect(await readdir(run)).toEqual(['attempt-3', 'attempt-3.json']);
    expect((await readdir(join(run, '..'))).filter((name) => name !== '0badcafe')).toEqual(['cafecafe']);
  },
);

const amidSteps = { file: 'metrics.jsonl', holds: '"step":3,' };
const amidCheckpoint = { file: 'step-000004.*.partial/model.safetensors' };

test.each([
  { name: 'finds its directory closed', cwd: false, when: amidSteps },
  { name: 'goes on writing into its closed directory, as over NFS', cwd: true, when: amidSteps },
  { name: 'finds its checkpoint gone', cwd: false, when: amidCheckpoint },
  { name: 'goes on with a checkpoint that is gone, as over NFS', cwd: true, when: amidCheckpoint },
])('an attempt that wakes up beside its successor and $name changes no bit of it, and ends', async ({ cwd, when }) => {
  const run = join(await mkdtemp(join(root, 'zombie-')), '0badcafe');
  const old = join(run, 'attempt-1');
  await mkdir(old, { recursive: true });
  const first = await attemptOf(run, 'pretrain', { out: cwd ? '.' : old });
  const asleep = startStage(first, { cwd: old, when: { ...when, file: join(old, when.file), signal: 'SIGSTOP' } });
  while (!isAsleep(asleep)) await sleep(20);
  const next = startStage(await attemptOf(run, 'pretrain', { attempt: 2 }));
  while (isRunning(next) && (await checkpoints(join(run, 'attempt-2'))).length === 0) await sleep(5);
  if (when === amidCheckpoint) await next.ended;
  asleep.child.kill('SIGCONT');
  expect(await next.ended).toMatchObject({ code: 0 });
  const { code } = await asleep.ended;
  expect(code).toBe(exitCodes.anotherWriter);
  await expectAsUndisturbed('pretrain', join(run, 'attempt-2'));
  expect(await readdir(run)).toEqual(['attempt-2', 'attempt-2.json']);
});

/** The stage file of an attempt in the directory of a run. */
async function attemptOf(
  run: string,
  type: Type,
  { attempt = 1, ...more }: Partial<{ attempt: number; out: string }> = {},
) {
  await mkdir(run, { recursive: true });
  await Promise.all((await Array.fromAsync(glob(join(run, '*.json')))).map((old) => rm(old)));
  const earlier = Array.from({ length: attempt - 1 }, (_, at) => join(run, `attempt-${at + 1}`));
  return writeStage(run, {
    name: `attempt-${attempt}`,
    stage: type,
    attempt,
    settings: settings[type],
    workers: 1,
    takeOver: earlier,
    goneRuns: ['deadbeef'],
    ...more,
  });
}

async function expectAsUndisturbed(type: Type, out: string): Promise<void> {
  const whole = undisturbed[type];
  expect((await readResult(out, '')).checkpoint?.digest).toBe(whole?.digest);
  for (const log of ['metrics.jsonl', 'samples.jsonl'] as const)
    expect(await logOf(out, log)).toEqual(await logOf(whole?.out ?? '', log));
  expect((await readdir(out)).filter((name) => name.endsWith('.partial'))).toEqual([]);
}

/** @throws when it has ended instead */
function isAsleep({ child }: TrainerProcess): boolean {
  const state = execFileSync('ps', ['-o', 'stat=', '-p', String(child.pid)], { encoding: 'utf8' });
  return state.startsWith('T');
}

function isRunning({ child }: TrainerProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

async function checkpoints(out: string): Promise<string[]> {
  return (await readdir(out).catch(() => [])).filter((name) => /^step-\d+$/.test(name));
}
