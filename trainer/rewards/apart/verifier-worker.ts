// The program of the thread in which answers are read whose reading could hold up a thread: it can be ended.
import { parentPort } from 'node:worker_threads';
import { type Judged, type Judgement, judge } from '../verify.ts';
import type { Question } from './verify-apart.ts';

/** Gold answers by their text, so that one is parsed once for all its completions. */
const known = new Map<string, Judged>();
const mostKnown = 4000;

function rowOf(row: Judged): Judged {
  const key = JSON.stringify(row);
  const found = known.get(key) ?? row;
  if (known.size >= mostKnown) known.clear();
  known.set(key, found);
  return found;
}

parentPort?.on('message', ({ row, text }: Question) => tell(judge(rowOf(row), text)));
// The parser of formulas is loaded before the first answer's time begins.
judge({ answer: { kind: 'math', in: 'completion', gold: 'x' } }, 'x^2');
tell('ready');

function tell(message: 'ready' | Judgement): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(message);
}
