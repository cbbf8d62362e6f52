import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { UserError } from '../../trainer/contract/errors.ts';
import { findProcess } from './process-table.ts';

interface Holder {
  readonly pid: number;
  readonly startTime: string;
}

export interface RunLock {
  release(): Promise<void>;
}

/**
 * Makes this process the only one that runs the pipeline. The lock of a process that is gone is taken over.
 *
 * @throws UserError when another process holds it
 */
export async function takeRunLock(path: string): Promise<RunLock> {
  const own = await findProcess(process.pid);
  const holder: Holder = { pid: process.pid, startTime: own?.startTime ?? '' };
  // Written whole under another name and then linked: whoever sees the lock sees who holds it.
  const mine = `${path}.${randomUUID()}`;
  const text = JSON.stringify(holder);
  try {
    await writeFile(mine, text);
    for (;;) {
      if (await linked(mine, path)) break;
      await removeIfStale(path);
    }
  } finally {
    await rm(mine, { force: true });
  }
  return {
    release: async () => {
      if ((await readFile(path, 'utf8').catch(() => '')) === text) await rm(path, { force: true });
    },
  };
}

/** The process that holds the lock, if it still runs. */
export async function lockHolder(path: string): Promise<number | undefined> {
  return runningHolder(await readFile(path, 'utf8').catch(() => ''));
}

/** A lock that a crash of the machine has emptied is held by nobody. */
async function runningHolder(text: string): Promise<number | undefined> {
  let holder: Partial<Holder>;
  try {
    holder = JSON.parse(text) as Partial<Holder>;
  } catch {
    return undefined;
  }
  const { pid, startTime } = holder;
  return pid !== undefined && (await findProcess(pid))?.startTime === startTime ? pid : undefined;
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function removeIfStale(path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return; // released meanwhile
  const pid = await runningHolder(text);
  if (pid !== undefined) {
    throw new UserError(`${path}: the pipeline is already being run by process ${pid}; wait for it or end it`);
  }
  // Two may find the same stale lock. Only the one who moves away exactly what it read may go on; the other puts a
  // fresh lock back.
  const aside = `${path}.${randomUUID()}`;
  await rename(path, aside).catch(() => undefined);
  if ((await readFile(aside, 'utf8').catch(() => text)) !== text) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}
