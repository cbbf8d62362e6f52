import type { AttemptRecord } from '../api/stage.ts';
import type { AttemptObserved } from './observed.ts';
import { classifyEnd } from './retry.ts';

const remembered = 100;

/**
 * What is known about all attempts: those of the status, brought up to date by what is seen now. An end that was
 * recorded stays as it was recorded, since its traces go away.
 */
export function recordAttempts(
  known: readonly AttemptRecord[],
  observed: readonly AttemptObserved[],
  now: number,
): AttemptRecord[] {
  const records = new Map(known.map((each) => [each.number, each]));
  for (const attempt of observed) {
    const old = records.get(attempt.number);
    if (old !== undefined && old.outcome !== 'Running') continue;
    records.set(attempt.number, record(attempt, now));
  }
  for (const [number, old] of records) {
    if (old.outcome !== 'Running' || observed.some((each) => each.number === number)) continue;
    records.set(number, { ...old, outcome: 'Interrupted', message: 'left no trace', endedAt: old.startedAt });
  }
  return [...records.values()].toSorted((a, b) => a.number - b.number).slice(-remembered);
}

function record(attempt: AttemptObserved, now: number): AttemptRecord {
  const base = { number: attempt.number, startedAt: timestamp(attempt.startedAt), gpus: attempt.gpus };
  if (attempt.state !== 'ended') return { ...base, outcome: 'Running', message: '' };
  const end = classifyEnd(attempt);
  return {
    ...base,
    outcome: end.outcome,
    ...(end.class === undefined ? {} : { class: end.class }),
    message: end.message.slice(0, 2000),
    endedAt: timestamp(attempt.endedAt ?? now),
  };
}

/** Seconds that attempts ran, and GPUs times hours; a running one counts up to now. */
export function spent(records: readonly AttemptRecord[], now: number): { runSeconds: number; gpuHours: number } {
  let runSeconds = 0;
  let gpuHours = 0;
  for (const { startedAt, endedAt, gpus } of records) {
    const seconds = Math.max(0, ((endedAt === undefined ? now : Date.parse(endedAt)) - Date.parse(startedAt)) / 1000);
    runSeconds += seconds;
    gpuHours += (gpus * seconds) / 3600;
  }
  return { runSeconds: Math.round(runSeconds * 10) / 10, gpuHours: Math.round(gpuHours * 1000) / 1000 };
}

/** Failed attempts by class. */
export function failuresByClass(records: readonly AttemptRecord[]): Record<string, number> {
  const failures: Record<string, number> = {};
  for (const { outcome, class: cause } of records) {
    if (outcome === 'Failed' && cause !== undefined) failures[cause] = (failures[cause] ?? 0) + 1;
  }
  return failures;
}

export function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}
