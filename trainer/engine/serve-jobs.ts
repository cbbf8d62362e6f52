import { parentPort } from 'node:worker_threads';
import { TrainerError } from '../contract/process/errors.ts';
import type { JobReply, JobRequest, JobTable } from './job-thread.ts';

export type JobHandlers<J extends JobTable> = {
  [K in keyof J]: (request: J[K]['request'], id: number) => Promise<J[K]['result']>;
};

/**
 * Makes this thread do one job at a time, in the order in which they arrive.
 *
 * @param running [0]: how many threads are running; each counts itself
 * @param throwIfUnwanted called before each job
 */
export function serveJobs<J extends JobTable>(
  handlers: JobHandlers<J>,
  running: Int32Array,
  throwIfUnwanted: () => void = () => undefined,
): void {
  Atomics.add(running, 0, 1);
  process.on('exit', () => {
    Atomics.sub(running, 0, 1);
    Atomics.notify(running, 0);
  });

  let previous = Promise.resolve();
  parentPort?.on('message', (request: JobRequest) => {
    if (request.kind === 'stop') process.exit(); // the thread's own: the process goes on
    if (request.kind === 'news') {
      listeners.get(request.id)?.(request.news);
      return;
    }
    previous = previous.then(async () => answer(request, handlers, throwIfUnwanted));
  });
}

const listeners = new Map<number, (news: unknown) => void>();

/** Hears what the main thread tells a job. A handler calls it before it awaits anything; the call it returns ends it. */
export function hearOfJob(id: number, listener: (news: unknown) => void): () => void {
  listeners.set(id, listener);
  return () => listeners.delete(id);
}

/** Tells the main thread of something before a job is done. */
export function tellOfJob(id: number, event: unknown): void {
  reply({ kind: 'event', id, event });
}

async function answer<J extends JobTable>(
  { id, job, request }: Extract<JobRequest, { kind: 'job' }>,
  handlers: JobHandlers<J>,
  throwIfUnwanted: () => void,
): Promise<void> {
  try {
    throwIfUnwanted();
    const handler = handlers[job] as (given: object, of: number) => Promise<unknown>;
    reply({ kind: 'result', id, result: await handler(request, id) });
  } catch (error) {
    const { message, stack = message } = error instanceof Error ? error : new Error(String(error));
    const reason = error instanceof TrainerError ? error.reason : undefined;
    reply({ kind: 'error', id, job, message, stack, reason });
  }
}

function reply(message: JobReply): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(message);
}
