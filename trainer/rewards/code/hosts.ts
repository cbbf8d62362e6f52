import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { confinedNode } from '../runners/confinement.ts';
import type { Host } from '../runners/runner-pool.ts';
import { threadHost } from '../runners/thread-host.ts';
import type { Job, Language } from './code-tests.ts';

const python = fileURLToPath(new URL('./python', import.meta.url));
const pythonMiB = 256;
const pagesPerMiB = 16;

/** What answers of a language run in: where they could reach this process, in another. */
export const hosts: Record<Language, () => Host<Job>> = {
  javascript: () => threadHost(new URL('./javascript-worker.ts', import.meta.url)),
  python: pythonProcess,
};

function pythonProcess(): Host<Job> {
  const pyodide = dirname(fileURLToPath(import.meta.resolve('pyodide')));
  const answer = `${python}/answer.py`;
  const { command, environment } = confinedNode(`${python}/python-program.ts`, {
    readable: [`${python}/`, `${pyodide}/`],
    memoryMiB: pythonMiB,
    flags: [`--wasm-max-mem-pages=${pythonMiB * pagesPerMiB}`, '--disallow-code-generation-from-strings'],
    args: [pyodide, answer],
  });
  const [program, ...args] = command;
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    env: { ...environment, TZ: 'UTC' },
    detached: true, // signals for the trainer's group are the trainer's
  });
  child.unref();
  child.channel?.unref();
  return {
    send: (job) => void child.send(job, () => undefined), // if it has ended, that is the answer
    hear: (listener) => child.on('message', listener),
    onEnd(listener) {
      child.on('error', () => listener('killed'));
      child.on('exit', (_code, signal) => listener(isFromOutside(signal) ? 'killed' : 'broken'));
    },
    end: () => void child.kill('SIGKILL'),
    cpuMs: () => cpuMsOf(child.pid),
  };
}

/** No answer reaches another process, so that these are the kernel's, which is short of memory, or a person's. */
function isFromOutside(signal: NodeJS.Signals | null): boolean {
  return signal === 'SIGKILL' || signal === 'SIGTERM' || signal === 'SIGINT';
}

/** Linux tells it in ticks, a hundred a second on every platform of Node's. */
const msPerTick = 10;

/** Source: proc_pid_stat(5), fields utime (14) and stime (15); the name in brackets may have blanks. */
async function cpuMsOf(pid: number | undefined): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * msPerTick;
}
