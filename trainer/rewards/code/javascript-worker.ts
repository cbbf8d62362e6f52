// The program of the thread in which answers in JavaScript run, so that what hangs in spite of all bounds can be ended.
import { parentPort } from 'node:worker_threads';
import type { Job, Outcome } from './code-tests.ts';
import { QuickJs } from './quickjs.ts';

// The engine tells there that it ran out of memory, which is the program's doing.
console.error = () => undefined;
const quickJs = new QuickJs();

parentPort?.on('message', (job: Job) => void quickJs.run(job).then(tell));
tell('ready');

function tell(message: 'ready' | readonly Outcome[]): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(message);
}
