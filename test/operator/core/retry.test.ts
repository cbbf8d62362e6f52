import { expect, test } from '@jest/globals';
import type { AttemptRecord, FailureClass } from '../../../operator/api/resources/stage.ts';
import type { AttemptObserved } from '../../../operator/core/observed.ts';
import { classifyEnd, judgeRetry, retryPolicy } from '../../../operator/core/retry.ts';

const base: AttemptObserved = { number: 1, state: 'ended', startedAt: 0, gpus: 0 };
const failure = (reason: string) => ({ outcome: 'failed' as const, reason, message: 'why', metrics: {} });
const checkpoint = { path: 'step-000003', step: 3, digest: 'a'.repeat(64) };
const success = { outcome: 'succeeded' as const, reason: 'succeeded', message: 'done', checkpoint, metrics: {} };

test.each<{ name: string; attempt: Partial<AttemptObserved>; end: object }>([
  { name: 'result and exit code 0', attempt: { exit: { code: 0 }, result: success }, end: { outcome: 'Succeeded' } },
  {
    name: 'result whose checkpoint does not verify',
    attempt: { exit: { code: 0 }, result: success, checkpointProblem: 'weights: is missing' },
    end: { outcome: 'Failed', class: 'infrastructure', message: 'its checkpoint does not verify: weights: is missing' },
  },
  { name: 'exit code 0 without a result', attempt: { exit: { code: 0 } }, end: { class: 'crashed' } },
  {
    name: 'bad settings',
    attempt: { exit: { code: 64 }, result: failure('userError') },
    end: { class: 'userError', message: 'why' },
  },
  {
    name: 'bad settings found before there was a directory for a result',
    attempt: { exit: { code: 64, detail: 'userError: no file' } },
    end: { class: 'userError', message: 'userError: no file' },
  },
  { name: 'out of memory', attempt: { exit: { code: 65 } }, end: { class: 'outOfMemory' } },
  { name: 'full disk', attempt: { exit: { code: 66 } }, end: { class: 'diskFull' } },
  { name: 'NaN loss', attempt: { exit: { code: 67 } }, end: { class: 'diverged' } },
  { name: 'uncaught exception', attempt: { exit: { code: 1, detail: 'TypeError' } }, end: { class: 'crashed' } },
  { name: 'segmentation fault', attempt: { exit: { signal: 'SIGSEGV' } }, end: { class: 'crashed' } },
  { name: 'killed from outside', attempt: { exit: { signal: 'SIGKILL' } }, end: { class: 'infrastructure' } },
  { name: 'interrupted from outside', attempt: { exit: { code: 75 } }, end: { class: 'disruption' } },
  {
    name: 'killed by the kernel for its memory',
    attempt: { exit: { code: 137, cause: 'outOfMemory' } },
    end: { class: 'outOfMemory' },
  },
  { name: 'evicted', attempt: { exit: { code: 143, cause: 'evicted' } }, end: { class: 'disruption' } },
  { name: 'node lost', attempt: { exit: { cause: 'nodeLost' } }, end: { class: 'disruption' } },
  {
    name: 'asked to end',
    attempt: { exit: { code: 75 }, stopping: 'suspended' },
    end: { outcome: 'Interrupted' },
  },
  { name: 'ended as hung', attempt: { exit: { signal: 'SIGKILL' }, stopping: 'hung' }, end: { class: 'hung' } },
  {
    name: 'finished although it was asked to end',
    attempt: { exit: { code: 0 }, stopping: 'suspended', result: success },
    end: { outcome: 'Succeeded' },
  },
  { name: 'gone together with its runner', attempt: {}, end: { outcome: 'Interrupted' } },
  { name: 'finished while its runner was gone', attempt: { result: success }, end: { outcome: 'Succeeded' } },
  {
    name: 'failed while its runner was gone',
    attempt: { result: failure('diskFull') },
    end: { outcome: 'Failed', class: 'diskFull' },
  },
])('end of an attempt: $name', ({ attempt, end }) => {
  expect(classifyEnd({ ...base, ...attempt })).toMatchObject(end);
});

function failed(number: number, cause: FailureClass): AttemptRecord {
  const time = new Date(number * 1_000_000).toISOString();
  return { number, outcome: 'Failed', class: cause, message: 'why', startedAt: time, endedAt: time, gpus: 0 };
}

const policy = retryPolicy({ backoffSeconds: 10, maxBackoffSeconds: 35, infrastructure: 3 });

test.each<{ name: string; records: AttemptRecord[]; forgiven?: number; verdict: object }>([
  {
    name: 'waits a little after the first failure',
    records: [failed(1, 'infrastructure')],
    verdict: { kind: 'retry', notBefore: 1_010_000 },
  },
  {
    name: 'waits twice as long after the second',
    records: [failed(1, 'infrastructure'), failed(2, 'infrastructure')],
    verdict: { kind: 'retry', notBefore: 2_020_000 },
  },
  {
    name: 'never waits longer than the longest back-off',
    records: [1, 2, 3].map((number) => failed(number, 'infrastructure')),
    verdict: { kind: 'retry', notBefore: 3_035_000 },
  },
  {
    name: 'gives up when the budget of the cause is spent',
    records: [1, 2, 3, 4].map((number) => failed(number, 'infrastructure')),
    verdict: { kind: 'giveUp', reason: 'RetriesExhausted', message: 'failed 4 times (infrastructure): why' },
  },
  {
    name: 'counts every cause on its own',
    records: [failed(1, 'hung'), failed(2, 'outOfMemory'), failed(3, 'infrastructure')],
    verdict: { kind: 'retry', notBefore: 3_010_000 },
  },
  {
    name: 'does not compute the same NaN again, and says why',
    records: [failed(1, 'diverged')],
    verdict: {
      kind: 'giveUp',
      reason: 'RetriesExhausted',
      message: expect.stringMatching(/^failed once \(diverged\): why; another attempt gives the same bits: change/),
    },
  },
  {
    name: 'never retries a user error',
    records: [failed(1, 'userError')],
    verdict: { kind: 'giveUp', reason: 'UserError', message: 'why' },
  },
  {
    name: 'forgives what a person has seen',
    records: [failed(1, 'userError')],
    forgiven: 1,
    verdict: { kind: 'retry' },
  },
  {
    name: 'waits longer and longer with what never runs, and never gives up',
    records: [1, 2, 3].map((number) => ({ ...failed(number, 'disruption'), outcome: 'Interrupted' as const })),
    verdict: { kind: 'retry', notBefore: 3_035_000 },
  },
  {
    name: 'counts what never ran against no budget',
    records: [
      ...[1, 2, 3].map((number) => ({ ...failed(number, 'disruption'), outcome: 'Interrupted' as const })),
      failed(4, 'disruption'),
    ],
    verdict: { kind: 'retry', notBefore: 4_010_000 },
  },
  {
    name: 'goes on at once after an interruption',
    records: [{ ...failed(1, 'hung'), outcome: 'Interrupted', class: undefined }],
    verdict: { kind: 'retry', notBefore: 0 },
  },
])('$name', ({ records, forgiven = 0, verdict }) => {
  expect(judgeRetry(records, policy, forgiven)).toMatchObject(verdict);
});

test('somebody has most of an hour to make room on a full volume', () => {
  const usual = retryPolicy();
  let waitedMs = 0;
  for (let failures = 1; ; failures++) {
    const records = Array.from({ length: failures }, (_, at) => failed(at + 1, 'diskFull'));
    const verdict = judgeRetry(records, usual, 0);
    if (verdict.kind === 'giveUp') break;
    waitedMs += verdict.notBefore - failures * 1_000_000;
  }
  expect(waitedMs / 60_000).toBeCloseTo(50.5, 3);
});

test('the stage overrides the defaults of the pipeline field by field', () => {
  expect(retryPolicy({ hung: 7 }, { hung: 5, diverged: 4 })).toMatchObject({ hung: 7, diverged: 4, diskFull: 10 });
});

test('disruptions count from the newest checkpoint, so that a stage that gets on may have any number of them', () => {
  const few = retryPolicy({ disruption: 2, backoffSeconds: 10 });
  const saving = (...saved: (number | undefined)[]) =>
    saved.map((each, at) => ({ ...failed(at + 1, 'disruption'), ...(each !== undefined && { saved: each }) }));
  const verdict = (...saved: (number | undefined)[]) => judgeRetry(saving(...saved), few, 0);
  expect(verdict(undefined, undefined, undefined)).toMatchObject({ kind: 'giveUp', reason: 'RetriesExhausted' });
  expect(verdict(100, 100, 100)).toMatchObject({ kind: 'giveUp' });
  expect(verdict(100, 200, 300, 400)).toEqual({ kind: 'retry', notBefore: 4_000_000 + 10_000 });
  expect(verdict(100, undefined, 200, undefined)).toEqual({ kind: 'retry', notBefore: 4_000_000 + 20_000 });
  // They are nobody's fault: none of them uses up what other causes have.
  const others = [...saving(undefined, undefined), failed(3, 'infrastructure')];
  expect(judgeRetry(others, few, 0)).toEqual({ kind: 'retry', notBefore: 3_000_000 + 10_000 });
});
