import { succeededStatus } from '../api/resources/conditions.ts';
import type { AttemptRecord, R1Stage } from '../api/resources/stage.ts';
import type { AttemptObserved } from './observed.ts';
import { tellsApart } from '../../trainer/contract/settings/digest-version.ts';
import { isChangedByHand } from './asked-for.ts';
import { classifyEnd, type AttemptEnd } from './retry.ts';
import { attemptDigest, settingsDigest } from './settings-digest.ts';

const remembered = 100;

/**
 * What is known about all attempts: those of the status, brought up to date by what is seen now. An end that was
 * recorded stays as it was recorded, since its traces go away.
 */
export function recordAttempts(stage: R1Stage, observed: readonly AttemptObserved[], now: number): AttemptRecord[] {
  const known = marked(stage);
  const records = new Map(known.map((each) => [each.number, each]));
  const oldest = known.length < remembered ? 0 : (known[0]?.number ?? 0);
  for (const attempt of observed) {
    if (attempt.number < oldest) continue; // forgotten
    const old = records.get(attempt.number);
    if (old !== undefined && !hasNotEnded(old)) continue;
    records.set(attempt.number, record(stage, attempt, old, now));
  }
  for (const [number, old] of records) {
    if (!hasNotEnded(old) || observed.some((each) => each.number === number)) continue;
    const message = old.outcome === 'Pending' ? 'was removed before it ran' : 'left no trace';
    records.set(number, { ...old, outcome: 'Interrupted', message, endedAt: old.startedAt });
  }
  return forgetOldest(
    records
      .values()
      .toArray()
      .toSorted((a, b) => a.number - b.number),
  );
}

/**
 * A stage that has succeeded, and was asked for nothing else since, has the result of its spec, though an earlier version made
 * the digest in another way: from now on it can be judged again.
 */
function marked({ metadata, spec, status }: R1Stage): readonly AttemptRecord[] {
  const { attempts = [], observedGeneration, conditions } = status ?? {};
  const last = attempts.at(-1);
  const settings = settingsDigest(spec);
  if (last?.outcome !== 'Succeeded' || observedGeneration !== metadata.generation) return attempts;
  if (succeededStatus(conditions) !== 'True' || tellsApart(last.settings, settings)) return attempts;
  return last.settings === settings ? attempts : [...attempts.slice(0, -1), { ...last, settings }];
}

/** What forgotten attempts ran still counts, as time that the oldest remembered one ran before. */
function forgetOldest(records: readonly AttemptRecord[]): AttemptRecord[] {
  const forgotten = records.slice(0, -remembered);
  const [oldest, ...rest] = records.slice(-remembered);
  if (oldest === undefined || forgotten.length === 0) return [...records];
  const { runSeconds } = spent(forgotten, 0);
  return [{ ...oldest, ranSeconds: (oldest.ranSeconds ?? 0) + Math.round(runSeconds) }, ...rest];
}

/** It has not ended. */
export function hasNotEnded({ outcome }: AttemptRecord): boolean {
  return outcome === 'Running' || outcome === 'Pending';
}

function record(stage: R1Stage, seen: AttemptObserved, old: AttemptRecord | undefined, now: number): AttemptRecord {
  const attempt = old !== undefined && hasRun(old, seen) ? thatRan(seen, old) : seen;
  const ranSeconds = secondsBefore(attempt, old, now);
  const saved = attempt.progress?.saved ?? old?.saved;
  const isPending = attempt.state === 'pending';
  const heldSince = attempt.heldSince === undefined ? undefined : timestamp(attempt.heldSince);
  const held = heldSince ?? (isPending ? undefined : old?.heldSince);
  const base = {
    number: attempt.number,
    startedAt: timestamp(attempt.startedAt),
    // Rollout workers may be gone when the end of their learner is seen.
    gpus: isPending ? attempt.gpus : Math.max(attempt.gpus, old?.gpus ?? 0),
    settings: attempt.settings ?? old?.settings ?? settingsDigest(stage.spec),
    ...(ranSeconds === 0 ? {} : { ranSeconds }),
    ...(saved === undefined ? {} : { saved }),
    ...(held === undefined ? {} : { heldSince: held }),
  };
  if (isPending) return { ...base, outcome: 'Pending', message: waitingWords(attempt, old) };
  if (attempt.state === 'running') return { ...base, outcome: 'Running', message: '' };
  const end = endOf(stage, attempt);
  const waited = end.class === 'notStarted' ? waitingWords(attempt, old) : '';
  return {
    ...base,
    outcome: end.outcome,
    ...(end.class === undefined ? {} : { class: end.class }),
    message: `${end.message}${waited === '' ? '' : `: ${waited}`}`.slice(0, 2000),
    endedAt: timestamp(attempt.endedAt ?? now),
  };
}

/** The traces of its run may be gone by the time that its end is seen: a pod that ends by itself stays, so somebody deleted it. */
function thatRan(attempt: AttemptObserved, { outcome, startedAt }: AttemptRecord): AttemptObserved {
  const { neverRan, noTrace: _, ...exit } = attempt.exit ?? {};
  if (neverRan === undefined) return attempt;
  const began = outcome === 'Running' ? Date.parse(startedAt) : attempt.startedAt;
  return { ...attempt, startedAt: began, exit: { ...exit, cause: 'deleted' } };
}

/** Its last pod may have been gone, and so the attempt have seemed to wait for another one, before its end was told. */
function hasRun({ outcome, ranSeconds = 0 }: AttemptRecord, { exit }: AttemptObserved): boolean {
  return outcome === 'Running' || (exit?.noTrace === true && ranSeconds > 0);
}

/** What it waits for, or waited for when it was last seen. */
function waitingWords({ waiting }: AttemptObserved, old: AttemptRecord | undefined): string {
  return (waiting ?? (old?.outcome === 'Pending' ? old.message : '')).slice(0, 1000);
}

function endOf(stage: R1Stage, attempt: AttemptObserved): AttemptEnd {
  // What it made, or broke on, is not what the stage asks for by now.
  if (hasOtherSettings(stage, attempt)) {
    return { outcome: 'Interrupted', message: 'ran with other settings than are asked for now' };
  }
  const end = classifyEnd(attempt);
  // The trainer gives one wherever a later stage may ask for it; other images may not.
  const lacksCheckpoint = attempt.result?.checkpoint === undefined && stage.spec.evaluate === undefined;
  if (end.outcome !== 'Succeeded' || !lacksCheckpoint) return end;
  return { outcome: 'Failed', class: 'crashed', message: 'succeeded without a checkpoint' };
}

/** It succeeded with the settings that are asked for now. */
export function hasResult({ spec }: R1Stage, { outcome, settings }: AttemptRecord): boolean {
  return outcome === 'Succeeded' && !tellsApart(settings, settingsDigest(spec));
}

/** Settings that decide the result were changed in the moment between its start and the status that tells of it. */
export function hasOtherSettings(stage: R1Stage, { settings }: AttemptObserved): boolean {
  const { spec } = stage;
  if (isChangedByHand(stage)) return false; // its spec is not what anybody asks for
  return tellsApart(settings, settingsDigest(spec));
}

/** It was made from other settings, resources and the like than the stage asks for by now. */
export function isMadeFromOthers({ spec }: R1Stage, { madeFrom }: AttemptObserved): boolean {
  return tellsApart(madeFrom, attemptDigest(spec));
}

/** An attempt that lost its pod to a queue or a preemption waits for another one: what it ran before still counts. */
function secondsBefore({ state }: AttemptObserved, old: AttemptRecord | undefined, now: number): number {
  if (old === undefined) return 0;
  const lostItsPod = state === 'pending' && old.outcome === 'Running';
  const since = lostItsPod ? Math.max(0, Math.round((now - Date.parse(old.startedAt)) / 1000)) : 0;
  return (old.ranSeconds ?? 0) + since;
}

/** Seconds that attempts ran, and GPUs times hours. */
export interface Spending {
  readonly runSeconds: number;
  readonly gpuHours: number;
}

export function total(sums: readonly Spending[]): Spending {
  return {
    runSeconds: sums.reduce((sum, each) => sum + each.runSeconds, 0),
    gpuHours: sums.reduce((sum, each) => sum + each.gpuHours, 0),
  };
}

/**
 * Seconds that attempts ran, and GPUs times hours; a running one counts up to now, a waiting one not. A pod holds its GPUs
 * from when it has a node, also while it pulls its image and fetches a model.
 */
export function spent(records: readonly AttemptRecord[], now: number): Spending {
  let runSeconds = 0;
  let gpuHours = 0;
  for (const { outcome, startedAt, endedAt, gpus, heldSince, ranSeconds = 0 } of records) {
    const until = endedAt === undefined ? now : Date.parse(endedAt);
    const seconds = ranSeconds + (outcome === 'Pending' ? 0 : Math.max(0, (until - Date.parse(startedAt)) / 1000));
    runSeconds += seconds;
    const heldSeconds = heldSince === undefined ? seconds : ranSeconds + (until - Date.parse(heldSince)) / 1000;
    gpuHours += (gpus * Math.max(0, heldSeconds)) / 3600;
  }
  return { runSeconds: Math.round(runSeconds * 10) / 10, gpuHours: Math.round(gpuHours * 1000) / 1000 };
}

/** What a stage has spent. What people take for a review is on no budget, and no deadline is set to them. */
export function spentOn({ spec }: R1Stage, records: readonly AttemptRecord[], now: number): Spending {
  return spec.review === undefined ? spent(records, now) : total([]);
}

/** Failed attempts by class. */
export function failuresByClass(records: readonly AttemptRecord[]): Record<string, number> {
  const failures: Record<string, number> = {};
  for (const { outcome, class: cause } of records) {
    if (outcome === 'Failed' && cause !== undefined) failures[cause] = (failures[cause] ?? 0) + 1;
  }
  return failures;
}

/** Attempts that began again after one that failed; a longer stage, another evaluation and a pause that was asked for are none. */
export function restartsOf(records: readonly AttemptRecord[]): number {
  return records.filter((_, index) => records[index - 1]?.outcome === 'Failed').length;
}

export function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}
