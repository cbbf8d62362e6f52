import { spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { confinedNode } from '../modules/confinement.ts';
import type { Language } from './code-tests.ts';
import type { Host } from './runner-pool.ts';

const python = fileURLToPath(new URL('./python', import.meta.url));
const pythonMiB = 256;
const pagesPerMiB = 16;

/** What answers of a language run in: where they could reach this process, in another. */
export const hosts: Record<Language, () => Host> = { javascript: javaScriptThread, python: pythonProcess };

function javaScriptThread(): Host {
  const worker = new Worker(new URL('./javascript-worker.ts', import.meta.url), {
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: 256 },
  });
  worker.on('online', () => worker.unref()); // it is nobody's reason to stay
  return {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    send: (job) => worker.postMessage(job),
    hear: (listener) => worker.on('message', listener),
    onEnd(listener) {
      worker.on('error', listener);
      worker.on('exit', listener);
    },
    end: () => void worker.terminate(),
  };
}

function pythonProcess(): Host {
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
      child.on('error', listener);
      child.on('exit', listener);
    },
    end: () => void child.kill('SIGKILL'),
  };
}
