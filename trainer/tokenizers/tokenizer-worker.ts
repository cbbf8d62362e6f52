import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { TrainerError } from '../contract/process/errors.ts';
import { type OpenTokenizer, openTokenizer } from './open-tokenizer.ts';
import { type Call, type Calls, places, type Reply, type ThreadSettings } from './thread-protocol.ts';

const { directory, chat, port, counters } = workerData as ThreadSettings;

process.on('exit', () => {
  Atomics.store(counters, places.ended, 1);
});

function reply(act: () => unknown): void {
  let message: Reply;
  try {
    message = { kind: 'result', result: act() };
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const reason = error instanceof TrainerError ? error.reason : undefined;
    message = { kind: 'error', message: error.message, stack: error.stack ?? '', reason };
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  port.postMessage(message);
}

/** Answers calls until the thread is ended. Waiting for them here instead of in the event loop halves the time of a call. */
function serve(tokenizer: OpenTokenizer): never {
  const handlers: { [K in keyof Calls]: (argument: Calls[K]['argument']) => Calls[K]['result'] } = {
    facts: () => tokenizer.facts,
    encode: tokenizer.encode,
    decode: tokenizer.decode,
    render: ({ messages, options }) => tokenizer.render(messages, options),
  };
  for (let calls = 0; ;) {
    const received: { message: Call } | undefined = receiveMessageOnPort(port);
    if (received === undefined) {
      Atomics.wait(counters, places.calls, calls);
      continue;
    }
    calls++;
    const { kind, argument } = received.message;
    reply(() => handlers[kind](argument as never));
    Atomics.add(counters, places.replies, 1);
    Atomics.notify(counters, places.replies);
  }
}

let tokenizer: OpenTokenizer | undefined;
try {
  tokenizer = await openTokenizer(directory, chat);
  reply(() => undefined);
} catch (error) {
  reply(() => {
    throw error;
  });
}
if (tokenizer) serve(tokenizer);
