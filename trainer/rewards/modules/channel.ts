import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { z } from 'zod';
import { printable } from '../../contract/process/errors.ts';
import type { Answer, Order } from './protocol.ts';
import { unscoredReasons } from '../score.ts';

/** How a process is spoken with: Node's own channel, or a JSON object a line, to its stdin and from its descriptor 3. */
export type Channel = (child: ChildProcess, hear: (answer: Answer) => void) => (order: Order) => void;

export const channels = {
  // What it prints is for people: stdout is where the trainer reports its progress.
  ipc: { stdio: ['ignore', 2, 2, 'ipc'], open: overIpc },
  lines: { stdio: ['pipe', 2, 2, 'pipe'], open: overLines },
} as const satisfies Record<string, { stdio: unknown; open: Channel }>;

/** Somebody's file said it, and it stands in a line. */
const message = z.string().transform((text) => printable(text).replaceAll(/\s*\n\s*/g, ' '));

const answer: z.ZodType<Answer> = z.union([
  z.strictObject({ loaded: z.enum(['grade', 'gradeBatch']), columns: z.array(z.string()).default([]) }),
  z.strictObject({ refused: message }),
  z.strictObject({
    scores: z.array(z.union([z.number(), z.strictObject({ because: z.enum(unscoredReasons), message })])),
  }),
]);

function overIpc(child: ChildProcess, hear: (answer: Answer) => void): (order: Order) => void {
  child.on('message', hearing(child, hear));
  return (order) => {
    child.send(order, () => undefined); // if it has ended, that is the answer
  };
}

function overLines(child: ChildProcess, hear: (answer: Answer) => void): (order: Order) => void {
  child.stdin?.on('error', () => undefined); // as above
  const hearValue = hearing(child, hear);
  createInterface({ input: child.stdio[3] as Readable }).on('line', (line) => hearValue(parsed(line)));
  return (order) => child.stdin?.write(`${JSON.stringify(order)}\n`);
}

function hearing(child: ChildProcess, hear: (answer: Answer) => void): (value: unknown) => void {
  let isTrusted = true;
  return (value) => {
    const { data } = answer.safeParse(value);
    if (data !== undefined && isTrusted) return hear(data);
    isTrusted = false; // the file has spoken where it had no business
    child.kill('SIGKILL');
  };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
