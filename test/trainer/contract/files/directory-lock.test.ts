import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { afterEach, expect, test } from '@jest/globals';
import { lockDirectory, lockHolder } from '../../../../trainer/contract/files/directory-lock.ts';
import { AnotherWriterError, InterruptedError } from '../../../../trainer/contract/process/errors.ts';
import { findProcess } from '../../../../trainer/contract/process/process-table.ts';
import { onOtherMachine, programOf } from '../../../support/other-machine.ts';
import { useTemporaryDirectory } from '../../../support/temporary-directory.ts';

const directory = useTemporaryDirectory();
const path = (): string => join(directory(), 'writer.lock');
const holder = join(import.meta.dirname, '../../../support/hold-lock.ts');

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** A process that holds the lock or tries to; where `machine` says, and else on this one. */
function startHolder(machine: readonly string[] = []) {
  const [program, ...args] = [...machine, process.execPath, holder, path()];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' } });
  children.push(child);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const says = async (): Promise<string> => (await lines.next()).value ?? 'nothing';
  const check = (): Promise<string> => {
    child.stdin.write('\n');
    return says();
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await once(child, 'exit');
  };
  return { child, says, check, end };
}

test('one of two at a time holds it, and the next after it', async () => {
  const first = await lockDirectory(path());
  await first.check();
  expect(await lockHolder(path())).toBe(`process ${process.pid}`);
  const second = lockDirectory(path());
  await expect(second).rejects.toThrow(AnotherWriterError);
  await expect(second).rejects.toThrow(
    `${path()}: held by process ${process.pid} on ${hostname()} since ${JSON.parse(await readFile(join(path(), 'holder.json'), 'utf8')).since}, which goes on; wait for it or end it`,
  );
  await first.release();
  expect(await readdir(directory())).toEqual([]);
  const third = await lockDirectory(path());
  await expect(first.check()).rejects.toThrow(`but now process ${process.pid} on ${hostname()} since `);
  await first.release(); // it has nothing to release any more
  await third.check();
  await third.release();
});

test('of many that begin at the same time one holds it', async () => {
  const tries = await Promise.allSettled(Array.from({ length: 20 }, () => lockDirectory(path())));
  const held = tries.filter((each) => each.status === 'fulfilled');
  expect(held).toHaveLength(1);
  await held[0]?.value.check();
  await held[0]?.value.release();
  expect(await readdir(directory())).toEqual([]);
});

test('that of a killed process of this machine is taken over by one of many that see it, and at once', async () => {
  const { says, end } = startHolder();
  expect(await says()).toBe('held');
  await expect(lockDirectory(path())).rejects.toThrow('which goes on');
  await end('SIGKILL');
  expect(await lockHolder(path())).toBeUndefined();
  const waits: string[] = [];
  const tries = await Promise.allSettled(
    Array.from({ length: 20 }, () => lockDirectory(path(), { onWait: (message) => waits.push(message) })),
  );
  expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(waits).toEqual([]);
});

const own = await findProcess(process.pid);

test.each([
  { name: 'is empty, as after a crash of the machine', left: undefined },
  { name: 'says nothing', left: () => '' },
  {
    name: 'is that of a process whose number another one has by now',
    left: (text: string) => text.replace(`"${own?.startTime}"`, '"1"'),
  },
])('a lock that $name is nobody’s', async ({ left }) => {
  const before = await lockDirectory(path());
  const text = await readFile(join(path(), 'holder.json'), 'utf8');
  await before.release();
  await mkdir(path());
  if (left !== undefined) await writeFile(join(path(), 'holder.json'), left(text));
  await (await lockDirectory(path())).release();
});

const elsewhere = onOtherMachine === undefined ? test.skip : test;

elsewhere('one of another machine that goes on is heard of, and keeps it', async () => {
  const first = startHolder(onOtherMachine);
  expect(await first.says()).toBe('held');
  expect(await lockHolder(path())).toBe(`process 2 on ${hostname()}`);
  const waits: string[] = [];
  const second = lockDirectory(path(), { onWait: (message) => waits.push(message) });
  await expect(second).rejects.toThrow(`held by process 2 on ${hostname()} since `);
  await expect(second).rejects.toThrow('which goes on');
  expect(waits).toEqual([expect.stringMatching(/waiting up to 30 s for a sign of life$/)]);
  expect(await first.check()).toBe('mine');
});

elsewhere('whoever waits for one of another machine can be asked to stop', async () => {
  const first = startHolder(onOtherMachine);
  expect(await first.says()).toBe('held');
  const stop = new AbortController();
  const second = lockDirectory(path(), { signal: stop.signal, onWait: () => stop.abort() });
  await expect(second).rejects.toThrow(InterruptedError);
  expect(await first.check()).toBe('mine');
});

elsewhere(
  'that of another machine that falls silent is taken over, which its holder sees when it wakes up',
  async () => {
    const first = startHolder(onOtherMachine);
    expect(await first.says()).toBe('held');
    const program = programOf(first.child.pid);
    process.kill(program, 'SIGSTOP');
    const second = await lockDirectory(path());
    process.kill(program, 'SIGCONT');
    expect(await first.check()).toMatch(
      /writer\.lock: taken by this process at \S+, but now process \d+ on \S+ since \S+ has it: this process ends and writes nothing more$/,
    );
    await second.check();
    await second.release();
  },
);
