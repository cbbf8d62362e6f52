import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { input } from '../../trainer/graph/value.ts';
import { writeProgram } from '../../trainer/graph/writer.ts';
import { linear } from '../../trainer/ops/linalg.ts';
import { chooseRuntime, openRuntime } from '../../trainer/runtime/open-runtime.ts';

/** A program: after the main thread has chosen the runtime, eight threads make their first session at the same moment. Prints what fails. */

const threads = 8;

if (isMainThread) {
  chooseRuntime('ops');
  const ready = new Int32Array(new SharedArrayBuffer(4));
  for (let index = 0; index < threads; index++) {
    new Worker(new URL(import.meta.url), { workerData: ready }).on('message', console.log);
  }
} else {
  const runtime = await openRuntime('ops');
  const [x, w] = [input('x', ['m', 4]), input('w', [4, 4])];
  const program = writeProgram([x, w], { y: linear(x, w) });
  const ready = workerData as Int32Array;
  Atomics.add(ready, 0, 1);
  while (Atomics.load(ready, 0) < threads); // at the same moment
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  await runtime.compile(program).catch((error: unknown) => parentPort?.postMessage(String(error)));
}
