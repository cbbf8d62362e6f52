// The program of the thread in which answers are run, so that what hangs in spite of all bounds can be ended.
import { workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import type { Job } from './code-tests.ts';
import { QuickJs } from './quickjs.ts';

const { port, signal } = workerData as { readonly port: MessagePort; readonly signal: Int32Array };
// The engine tells there that it ran out of memory, which is the program's doing.
console.error = () => undefined;
const quickJs = new QuickJs();

port.on('message', (job: Job) => {
  void quickJs.run(job).then((outcomes) => {
    port.postMessage(outcomes);
    Atomics.store(signal, 0, 1);
    Atomics.notify(signal, 0);
  });
});
