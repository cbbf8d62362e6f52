import { existsSync, globSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { exitCodes } from '../../../trainer/contract/process/exit-codes.ts';
import { onOtherMachine, programOf } from '../../support/other-machine.ts';
import type { SignalWhen } from '../../support/signal-when.ts';
import { logOf, readResult, runStage, startStage, type TrainerProcess, writeStage } from '../../support/trainer.ts';

const settings = {
  pretrain: { pretrain: { data: ['mixture'], steps: 8, batch: 8, checkpointEvery: 2 } },
  sample: { sample: { prompts: ['mixture'], perPrompt: 1, keep: [], sampling: { maxNewTokens: 4 } } },
};
type Type = keyof typeof settings;

let root: string;
const digests: Partial<Record<Type, string | undefined>> = {};
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-two-writers-'));
  for (const type of ['pretrain', 'sample'] as const) {
    const { file, out } = await prepare(type, 'whole');
    expect(await runStage(file)).toMatchObject({ code: 0, stderr: '' });
    digests[type] = (await readResult(out, '')).checkpoint?.digest;
  }
});
afterAll(() => rm(root, { recursive: true, force: true }));

test.each(['pretrain', 'sample'] as const)(
  'a second %s trainer in the directory of one that goes on says who that is, ends, and changes nothing',
  async (type) => {
    const { file, out } = await prepare(type, 'second');
    const first = startStage(file);
    while (!existsSync(join(out, 'writer.lock/holder.json'))) await sleep(5);
    const message = join(root, `${type}-message`);
    const second = await runStage(file, undefined, ['--result', message]);
    const words = new RegExp(
      `second/writer\\.lock: held by process ${first.child.pid} on \\S+ since \\S+Z, which goes on; wait for it or end it`,
    );
    expect(second).toMatchObject({
      code: exitCodes.anotherWriter,
      stderr: expect.stringMatching(new RegExp(`^anotherWriter: \\S+${words.source}\n$`)),
    });
    expect(JSON.parse(await readFile(message, 'utf8'))).toMatchObject({
      outcome: 'failed',
      reason: 'anotherWriter',
      message: expect.stringMatching(words),
    });
    expect(await first.ended).toMatchObject({ code: 0, stderr: '' });
    await expectAsUndisturbed(type, out);
  },
);

test('of several trainers that begin at the same time one does the work', async () => {
  const { file, out } = await prepare('pretrain', 'several');
  const ends = await Promise.all([1, 2, 3].map(() => runStage(file)));
  expect(ends.filter(({ code }) => code === 0)).toHaveLength(1);
  expect(ends.filter(({ code }) => code === exitCodes.anotherWriter)).toHaveLength(2);
  await expectAsUndisturbed('pretrain', out);
});

const moments: { readonly type: Type; readonly name: string; readonly file: string; readonly holds?: string }[] = [
  { type: 'pretrain', name: 'within its steps', file: 'metrics.jsonl', holds: '"step":3,' },
  { type: 'pretrain', name: 'while it writes a checkpoint', file: 'step-000004.*.partial/model.safetensors' },
  { type: 'pretrain', name: 'while it describes its last checkpoint', file: 'step-000008.*.partial/checkpoint.json' },
  { type: 'sample', name: 'while it keeps rows', file: 'chunks-*/000001.json' },
  { type: 'sample', name: 'while it publishes rows', file: 'data.*.partial/rows.jsonl' },
];

const elsewhere = onOtherMachine === undefined ? test.concurrent.skip : test.concurrent;

// Together, as each waits for half a minute.
elsewhere.each([
  ...moments.map((moment) => ({ ...moment, until: 'while the other works' })),
  ...moments.slice(0, 1).map((moment) => ({ ...moment, until: 'when the other is done' })),
])(
  'a $type trainer of another machine that is stopped $name and wakes up $until publishes nothing more, and says why',
  async ({ type, name, until, ...when }) => {
    const { file, out } = await prepare(type, `${name} ${until}`);
    const stopped = startOnOtherMachine(file, { ...when, file: join(out, when.file), signal: 'SIGSTOP' });
    await untilStopped(stopped, join(out, when.file), when.holds);
    const holder = holderOf(out);
    const next = startStage(file);
    if (until === 'when the other is done') await next.ended;
    else while (holderOf(out) === holder && isRunning(next)) await sleep(5);
    process.kill(programOf(stopped.child.pid), 'SIGCONT');

    expect(await next.ended).toMatchObject({ code: 0, stderr: expect.stringMatching(/waiting up to 30 s/) });
    expect(await stopped.ended).toMatchObject({
      code: exitCodes.anotherWriter,
      stderr: expect.stringMatching(/^anotherWriter: \S.*writer\.lock: taken by this process at \S+, but now .*\n$/),
    });
    await expectAsUndisturbed(type, out);
  },
);

elsewhere('the directory of a trainer that died with its machine is taken over', async () => {
  const { file, out } = await prepare('pretrain', 'died');
  const when = { file: join(out, 'metrics.jsonl'), holds: '"step":5,' };
  expect((await startOnOtherMachine(file, when).ended).code).not.toBe(0);
  const next = await runStage(file);
  expect(next).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/writer\.lock: held by process \d+ on \S+ since \S+; waiting up to 30 s/),
  });
  await expectAsUndisturbed('pretrain', out);
});

async function prepare(type: Type, name: string): Promise<{ file: string; out: string }> {
  const directory = await mkdtemp(join(root, `${type}-`));
  const out = join(directory, name);
  return { file: await writeStage(directory, { name, stage: type, settings: settings[type], workers: 1 }), out };
}

function startOnOtherMachine(file: string, when: SignalWhen): TrainerProcess {
  if (onOtherMachine === undefined) throw new Error('not here');
  return startStage(file, { when, machine: onOtherMachine });
}

/** @throws when it has ended instead */
async function untilStopped(trainer: TrainerProcess, pattern: string, holds: string | undefined): Promise<void> {
  const isThere = (path: string): boolean => holds === undefined || readFileSync(path, 'utf8').includes(holds);
  while (!globSync(pattern).some(isThere) || !isStopped(programOf(trainer.child.pid))) {
    if (!isRunning(trainer)) throw new Error(`it ended: ${JSON.stringify(await trainer.ended)}`);
    await sleep(20);
  }
}

function isStopped(pid: number): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
}

function isRunning({ child }: TrainerProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

function holderOf(out: string): string {
  try {
    return readFileSync(join(out, 'writer.lock/holder.json'), 'utf8');
  } catch {
    return '';
  }
}

async function expectAsUndisturbed(type: Type, out: string): Promise<void> {
  expect((await readResult(out, '')).checkpoint?.digest).toBe(digests[type]);
  const [whole = ''] = globSync(join(root, `${type}-*`, 'whole'));
  for (const log of ['metrics.jsonl', 'samples.jsonl'] as const) {
    expect(await logOf(out, log)).toEqual(await logOf(whole, log));
  }
  expect((await readdir(out)).toSorted()).toEqual((await readdir(whole)).toSorted());
  expect(globSync(join(out, '**/*.partial'))).toEqual([]);
}
