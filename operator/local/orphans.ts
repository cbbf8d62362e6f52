import { glob, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProcess, findProcesses, type RunningProcess } from '../../trainer/contract/process/process-table.ts';

/**
 * Ends trainers that outlived the process which ran them, with their rollout workers, and waits until they are gone: a
 * new attempt must be the only writer. They are asked first, so that they can save.
 *
 * @param files directory of the stage files and tokens; a trainer has the path of one on its command line
 * @returns the trainers that were ended
 */
export async function endOrphans(files: string, graceMs: number): Promise<RunningProcess[]> {
  const [trainers, workers] = await Promise.all([
    findProcesses(`--stage ${files}/`),
    findProcesses(`--token-file ${files}/`),
  ]);
  await Promise.all([...trainers, ...workers].map((orphan) => endProcess(orphan, graceMs)));
  for await (const token of glob('*.token', { cwd: files })) await rm(join(files, token), { force: true });
  return trainers;
}

async function endProcess(orphan: RunningProcess, graceMs: number): Promise<void> {
  const deadline = Date.now() + graceMs;
  send(orphan.pid, 'SIGTERM');
  while (await isRunning(orphan)) {
    if (Date.now() >= deadline) {
      send(-orphan.pid, 'SIGKILL'); // with its own children; a trainer leads its group
      send(orphan.pid, 'SIGKILL');
    }
    await sleep(50);
  }
  send(-orphan.pid, 'SIGKILL');
}

async function isRunning({ pid, startTime }: RunningProcess): Promise<boolean> {
  return (await findProcess(pid))?.startTime === startTime;
}

/** Sends a signal to a process, or to a group if the id is negative; one that is gone already is fine. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
