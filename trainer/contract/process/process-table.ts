import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** A process that runs now. Process ids are used again, so that only the pair of id and start time names one. */
export interface RunningProcess {
  readonly pid: number;
  /** Opaque; equal for the same process. */
  readonly startTime: string;
  readonly command: string;
}

/** The process of an id, unless it is gone or only waits for its parent to notice its end. */
export async function findProcess(pid: number): Promise<RunningProcess | undefined> {
  if (process.platform !== 'linux') return (await listByPs()).find((each) => each.pid === pid);
  return readProc(pid);
}

/** Running processes whose command line holds `text`, this one left out. */
export async function findProcesses(text: string): Promise<RunningProcess[]> {
  const all = process.platform === 'linux' ? await listByProc() : await listByPs();
  return all.filter(({ pid, command }) => pid !== process.pid && command.includes(text));
}

async function listByProc(): Promise<RunningProcess[]> {
  const names = await readdir('/proc');
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const found = await Promise.all(pids.map(readProc));
  return found.filter((each) => each !== undefined);
}

async function readProc(pid: number): Promise<RunningProcess | undefined> {
  try {
    const [stat, command] = await Promise.all([
      readFile(`/proc/${pid}/stat`, 'utf8'),
      readFile(`/proc/${pid}/cmdline`, 'utf8'),
    ]);
    // proc(5): after the name in parentheses come the state (field 3) and, as field 22, the start time in clock ticks.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, startTime] = [fields[0], fields[19]];
    if (state === 'Z' || state === 'X' || startTime === undefined) return undefined;
    return { pid, startTime, command: command.replaceAll('\0', ' ') };
  } catch {
    return undefined; // it ended while we looked, or is not ours to see
  }
}

async function listByPs(): Promise<RunningProcess[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-ww', '-o', 'pid=,stat=,lstart=,command=']);
  return stdout.split('\n').flatMap((line) => {
    const parts = /^\s*(\d+)\s+(\S+)\s+(\S+\s+\S+\s+\d+\s+[\d:]+\s+\d+)\s+(.*)$/.exec(line);
    if (parts === null) return [];
    const [, pid = '', state = '', startTime = '', command = ''] = parts;
    return state.startsWith('Z') ? [] : [{ pid: Number(pid), startTime, command }];
  });
}
