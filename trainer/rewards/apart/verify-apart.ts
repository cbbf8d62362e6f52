import type { CodeTests } from '../code/code-tests.ts';
import { gradeProgram } from './grade-program.ts';
import { type Lost, RunnerPool } from '../runners/runner-pool.ts';
import { threadHost } from '../runners/thread-host.ts';
import type { Program } from '../verifiers/code.ts';
import { abstain, type Verdict } from '../verifiers/verifier.ts';
import { examineAnswer, type Judged, type Judgement, judge, judgementOf } from '../verify.ts';

/** What a thread is asked. */
export interface Question {
  readonly row: Judged;
  readonly text: string;
}

/**
 * Kinds of answers that are formulas or may have one, regular expressions and schemas: the time that a parser takes of somebody else's formula has no proven
 * bound, that of an expression grows with its own size and the answer's, and a schema may refer to its own parts again and again.
 */
const readApart: ReadonlySet<string> = new Set(['math', 'logic', 'cited', 'pattern', 'jsonSchema']);

/** Of a processor. The slowest answers that were found take a twentieth of it. */
const limitMs = 2000;

const readers = new RunnerPool<Question, Judgement>(
  () => threadHost(new URL('./verifier-worker.ts', import.meta.url)),
  { size: 2, timeoutMs: limitMs },
);

/** `judge`, without holding up this thread: programs run, and formulas are read, where they can be ended. */
export async function judgeApart(row: Judged, text: string): Promise<Judgement> {
  const kind = row.answer?.kind ?? 'exact';
  if (readApart.has(kind)) return judgeInThread(row, text);
  const examined = kind === 'code' ? examineAnswer(row, text) : undefined;
  if (examined?.value === undefined) return judge(row, text);
  const verdict = await gradeProgram(examined.gold as CodeTests, examined.value as Program);
  return judgementOf({ ...examined, verdict });
}

/** `verify`, as `judgeApart` judges. */
export async function verifyApart(row: Judged, text: string): Promise<Verdict> {
  return (await judgeApart(row, text)).verdict;
}

/** `judgeApart` of each, in order. */
export function judgeAllApart(items: readonly { readonly row: Judged; readonly text: string }[]): Promise<Judgement[]> {
  return Promise.all(items.map(({ row, text }) => judgeApart(row, text)));
}

async function judgeInThread({ answer, language }: Judged, text: string): Promise<Judgement> {
  const row = { ...(answer && { answer }), ...(language && { language }) };
  const told = await readers.run({ row, text });
  return typeof told === 'string' ? unread(told) : told;
}

/** Where the thread has to be ended the verifier cannot tell; that is the verifier's doing, and no verdict on the answer. */
export function unread(because: Lost): Judgement {
  const unscored =
    because === 'timeout'
      ? ({ because, message: `an answer was not read within ${limitMs} ms of a processor` } as const)
      : ({ because: 'error', message: 'the thread that read an answer was lost' } as const);
  return { verdict: { ...abstain, unscored } };
}
