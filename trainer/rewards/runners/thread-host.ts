import { Worker } from 'node:worker_threads';
import type { Host } from './runner-pool.ts';

/** A thread without the environment of its process, whose heap is bounded. @param program that says `ready` once it can be asked */
export function threadHost<Job>(program: URL): Host<Job> {
  const worker = new Worker(program, { env: {}, resourceLimits: { maxOldGenerationSizeMb: 256 } });
  worker.on('online', () => worker.unref()); // it is nobody's reason to stay
  return {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    send: (job) => worker.postMessage(job),
    hear: (listener) => worker.on('message', listener),
    onEnd(listener) {
      worker.on('error', () => listener('broken'));
      worker.on('exit', () => listener('broken'));
    },
    end: () => void worker.terminate(),
    async cpuMs() {
      // Of Node from version 24.6 on; one that has ended has none.
      const usage = await (worker as Partial<Worker>).cpuUsage?.().catch(() => undefined);
      return usage && (usage.user + usage.system) / 1000; // from microseconds
    },
  };
}
