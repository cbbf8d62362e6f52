import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { Job, Outcome, Runner } from './code-tests.ts';

/** A few operations, such as the product of huge whole numbers, know no bound of steps. Nothing else takes nearly as long. */
const longestMs = 20_000;

interface Thread {
  readonly worker: Worker;
  readonly port: MessagePort;
  /** 1 once the thread has answered. */
  readonly signal: Int32Array;
}

let thread: Thread | undefined;

/** Runs JavaScript in a thread, and waits for it. A thread that takes too long is ended, and another takes its place. */
export const javaScriptRunner: Runner = {
  run(job: Job): readonly Outcome[] | undefined {
    const { worker, port, signal } = (thread ??= start());
    Atomics.store(signal, 0, 0);
    port.postMessage(job);
    Atomics.wait(signal, 0, 0, longestMs);
    const received: { readonly message: readonly Outcome[] } | undefined = receiveMessageOnPort(port);
    if (received !== undefined) return received.message;
    void worker.terminate();
    thread = undefined;
    return undefined;
  },
};

function start(): Thread {
  const signal = new Int32Array(new SharedArrayBuffer(4));
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: { port: port2, signal },
    transferList: [port2],
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: 256 },
  });
  // It is nobody's reason to stay.
  worker.unref();
  port1.unref();
  return { worker, port: port1, signal };
}
