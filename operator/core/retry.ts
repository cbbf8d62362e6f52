import { exitCodes } from '../../trainer/contract/process/exit-codes.ts';
import type { RetrySettings } from '../api/resources/scheduling.ts';
import type { AttemptRecord, FailureClass } from '../api/resources/stage.ts';
import type { AttemptObserved } from './observed.ts';

/** What a manifest that says nothing about retries gets; the descriptions in `api/scheduling.ts` repeat the numbers. */
const defaults = {
  disruption: 20,
  infrastructure: 5,
  outOfMemory: 1,
  diskFull: 10, // 50 minutes, in which somebody may make room
  diverged: 0, // resume is exact to the bit, and so is the NaN
  hung: 2,
  crashed: 1,
  backoffSeconds: 10,
  maxBackoffSeconds: 600,
  hungAfterSeconds: 1800,
};
export type RetryPolicy = typeof defaults;

/** The settings of the stage, filled up with those of the pipeline's defaults and of this file, field by field. */
export function retryPolicy(...settings: readonly (RetrySettings | undefined)[]): RetryPolicy {
  const policy = { ...defaults };
  for (const each of settings.toReversed()) {
    for (const [key, value] of Object.entries(each ?? {})) {
      if (value !== undefined) policy[key as keyof RetryPolicy] = value;
    }
  }
  return policy;
}

export interface AttemptEnd {
  readonly outcome: 'Succeeded' | 'Failed' | 'Interrupted';
  readonly class?: FailureClass;
  readonly message: string;
}

const byExitCode = new Map<number, FailureClass>([
  [exitCodes.userError, 'userError'],
  [exitCodes.outOfMemory, 'outOfMemory'],
  [exitCodes.diskFull, 'diskFull'],
  [exitCodes.diverged, 'diverged'],
  [exitCodes.unavailable, 'infrastructure'],
]);

/** Signals by which a process ends itself or is ended for what it did; all others come from outside. */
const crashSignals = new Set(['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP', 'SIGSYS']);

/** How an ended attempt ended, and who must act. */
export function classifyEnd(attempt: AttemptObserved): AttemptEnd {
  const { exit, result, stopping, checkpointProblem } = attempt;
  const succeeded = result?.outcome === 'succeeded' && (exit === undefined || exit.code === exitCodes.succeeded);
  if (succeeded) {
    return checkpointProblem === undefined
      ? { outcome: 'Succeeded', message: result.message }
      : failed('infrastructure', `its checkpoint does not verify: ${checkpointProblem}`);
  }

  switch (stopping) {
    case 'hung':
      return failed('hung', 'ended, as it wrote no progress line for too long');
    case 'deadline':
      return { outcome: 'Interrupted', message: 'ended at its deadline' };
    case 'startDeadline':
      return failed('notStarted', 'did not start within startDeadlineSeconds');
    case 'budget':
      return { outcome: 'Interrupted', message: 'ended, as the budget is spent' };
    case 'replaced':
      return { outcome: 'Interrupted', message: 'ended, as other settings are asked for' };
    case 'volumeGone':
      return { outcome: 'Interrupted', message: 'ended, as the claim that it waited for is gone' };
    case 'suspended':
    case 'shutdown':
      return { outcome: 'Interrupted', message: result?.message ?? `ended on request (${stopping})` };
    case 'orphaned':
    case undefined:
      break;
  }

  if (exit === undefined) {
    // The runner died before it saw the end. What the trainer itself wrote down still counts.
    const known = exitCodes[(result?.reason ?? '') as keyof typeof exitCodes] as number | undefined;
    const cause = known === undefined ? undefined : byExitCode.get(known);
    if (result !== undefined && cause !== undefined) return failed(cause, result.message);
    return { outcome: 'Interrupted', message: 'ended together with its runner' };
  }
  const message = result?.message ?? exit.detail ?? '';
  const say = (what: string): string => (message === '' ? what : `${what}: ${message}`);
  switch (exit.cause) {
    case 'outOfMemory':
      return failed('outOfMemory', say('out of memory'));
    case 'evicted':
      return failed('disruption', say('evicted'));
    case 'nodeLost':
      return failed('disruption', say('its node was lost'));
    case 'preempted':
      return failed('disruption', say('preempted'));
    case 'deleted':
      return failed('disruption', say('its pod was deleted'));
    case undefined:
      break;
  }
  if (exit.neverRan) return { outcome: 'Interrupted', class: 'disruption', message: say('ended before it ran') };
  if (exit.signal !== undefined) {
    return failed(crashSignals.has(exit.signal) ? 'crashed' : 'infrastructure', say(`ended by ${exit.signal}`));
  }
  if (exit.code === exitCodes.interrupted) return failed('disruption', say('interrupted from outside'));
  // It has done nothing, or nothing that is lost.
  if (exit.code === exitCodes.anotherWriter) return { outcome: 'Interrupted', class: 'disruption', message };
  const cause = byExitCode.get(exit.code ?? -1);
  if (cause !== undefined) return failed(cause, message === '' ? `exit code ${exit.code}` : message);
  if (exit.code === exitCodes.succeeded) return failed('crashed', 'exit code 0 without a result');
  return failed('crashed', say(`exit code ${exit.code}`));
}

function failed(cause: FailureClass, message: string): AttemptEnd {
  return { outcome: 'Failed', class: cause, message: message.slice(0, 2000) };
}

/** What a person must change where another attempt would end the same way. */
const advice: Partial<Record<FailureClass, string>> = {
  diverged: '; another attempt gives the same bits: change the settings, such as learningRate, and run the stage anew',
};

export type RetryVerdict =
  | { readonly kind: 'retry'; readonly notBefore: number }
  | {
      readonly kind: 'giveUp';
      readonly reason: 'UserError' | 'DeadlineExceeded' | 'RetriesExhausted';
      readonly message: string;
    };

/**
 * Whether the newest attempt, which has ended without success, is followed by another one, and when.
 *
 *   wait = min(maxBackoff, backoff · 2^(failures of the same cause − 1))
 *
 * One that something ended before it ran is no failure, and waits all the same.
 *
 * @param records oldest first, at least one
 * @param forgiven attempts up to this number do not count
 */
export function judgeRetry(records: readonly AttemptRecord[], policy: RetryPolicy, forgiven: number): RetryVerdict {
  const last = records.at(-1);
  if (last?.class === undefined || last.number <= forgiven) return { kind: 'retry', notBefore: 0 };
  if (last.class === 'notStarted') return { kind: 'giveUp', reason: 'DeadlineExceeded', message: last.message };
  if (last.class === 'userError') return { kind: 'giveUp', reason: 'UserError', message: last.message };

  const counted = records.filter(({ number }) => number > forgiven);
  if (last.outcome === 'Interrupted') return later(last, interruptedInARow(counted), policy);
  const since = last.class === 'disruption' ? sinceNewCheckpoint(counted) : counted;
  const failures = since.filter((each) => each.outcome === 'Failed' && each.class === last.class).length;
  if (failures > policy[last.class]) {
    const times = failures === 1 ? 'once' : `${failures} times`;
    const message = `failed ${times} (${last.class}): ${last.message}${advice[last.class] ?? ''}`;
    return { kind: 'giveUp', reason: 'RetriesExhausted', message };
  }
  return later(last, failures, policy);
}

function later({ endedAt, startedAt }: AttemptRecord, times: number, policy: RetryPolicy): RetryVerdict {
  const waitSeconds = Math.min(policy.maxBackoffSeconds, policy.backoffSeconds * 2 ** (times - 1));
  return { kind: 'retry', notBefore: Date.parse(endedAt ?? startedAt) + waitSeconds * 1000 };
}

/** What never ran costs nothing, but whatever ended it may do so again at once. */
function interruptedInARow(records: readonly AttemptRecord[]): number {
  return records.length - 1 - records.findLastIndex(({ outcome, class: cause }) => outcome !== 'Interrupted' || !cause);
}

/** A stage that gets on in spite of disruptions may have any number of them. */
function sinceNewCheckpoint(records: readonly AttemptRecord[]): readonly AttemptRecord[] {
  let [from, most] = [0, 0];
  for (const [at, { saved = 0 }] of records.entries()) if (saved > most) [from, most] = [at, saved];
  return records.slice(from);
}
