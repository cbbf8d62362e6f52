import type { StageWarning } from '../../../trainer/contract/files/progress.ts';
import { findCondition, setCondition, type NewCondition } from '../../api/resources/conditions.ts';
import { displayStage } from '../../api/display.ts';
import type { StageCheckpoint, StageStatus } from '../../api/resources/stage.ts';
import { failuresByClass, timestamp } from '../attempts.ts';
import { whyNoWorkers } from './decide-rollout.ts';
import type { AttemptObserved, StageObserved } from '../observed.ts';
import type { Outcome } from '../decision.ts';
import { suspendedCondition, withOutcome } from '../status-conditions.ts';
import type { StageSituation } from './stage-situation.ts';

/** Describes what was seen, never what the actions are about to do. */
export function stageStatus(
  { now, observed, records, live, spent: sum }: StageSituation,
  verdict: Outcome,
): StageStatus {
  const { stage, attempts } = observed;
  const old = stage.status;
  const generation = stage.metadata.generation;
  const newest = attempts.find(({ number }) => number === records.at(-1)?.number);
  const succeeded: NewCondition = {
    type: 'Succeeded',
    status: verdict.status,
    reason: verdict.reason,
    message: verdict.message,
  };
  const suspended = suspendedCondition(stage.spec.suspend, live === undefined);
  let conditions = withOutcome(old?.conditions ?? [], succeeded, now, generation);
  if (stage.spec.suspend || findCondition(conditions, 'Suspended') !== undefined) {
    conditions = setCondition(conditions, suspended, now, generation);
  }

  const warnings = warningsOf(newest, old);
  if (warnings.length > 0 || findCondition(conditions, 'Warned') !== undefined) {
    conditions = setCondition(conditions, warned(warnings), now, generation);
  }

  // Whoever leads now may not have read its log yet.
  const known = live !== undefined && live.number === old?.attempts.at(-1)?.number ? old : undefined;

  const finished = verdict.status === 'True';
  // An end is seen once. What a stage has made is wanted again when it is put back, or a person takes an edit back.
  const keepsResult = finished || records.at(-1)?.outcome === 'Succeeded';
  const checkpoint = keepsResult ? (finalCheckpoint(newest) ?? old?.checkpoint) : undefined;
  const metrics = keepsResult
    ? (newest?.result?.metrics ?? old?.metrics ?? {})
    : (newest?.progress?.metrics ?? known?.metrics ?? {});
  const progress =
    live === undefined ? atRest(progressOf(newest) ?? old?.progress) : (progressOf(newest) ?? known?.progress);
  const node = newest?.node ?? old?.node;
  const startedAt = records[0]?.startedAt ?? old?.startedAt;
  const completedAt =
    verdict.status === 'Unknown' ? undefined : (old?.completedAt ?? records.at(-1)?.endedAt ?? timestamp(now));

  const rolloutWorkers = rolloutsOf(observed, live);

  const status: StageStatus = {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    conditions,
    attempts: [...records],
    failures: failuresByClass(records),
    ...(progress === undefined ? {} : { progress }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    metrics,
    ...(warnings.length === 0 ? {} : { warnings: [...warnings] }),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(completedAt === undefined ? {} : { completedAt }),
    ...sum,
    ...(node === undefined ? {} : { node }),
    ...(rolloutWorkers === undefined ? {} : { rolloutWorkers }),
  };
  return { ...status, display: displayStage(stage.spec, status) };
}

/** Those of the attempt that is under way; absent where none are asked for, or they come with their attempt. */
function rolloutsOf(
  { stage, rollouts, rolloutRefusal }: StageObserved,
  live: AttemptObserved | undefined,
): StageStatus['rolloutWorkers'] {
  const asked = stage.spec.rolloutWorkers;
  if (rollouts === undefined || live === undefined || asked === 0) return undefined;
  const own = rollouts.find(({ attempt }) => attempt === live.number);
  const message = rolloutRefusal?.message ?? (own === undefined ? whyNoWorkers(stage, live) : own.waiting);
  const running = own?.running ?? 0;
  return { asked, running, ...(message === undefined ? {} : { message: message.slice(0, 1000) }) };
}

/** How long it would take still, had it not ended, is no news of a stage at which nobody works. */
function atRest(progress: StageStatus['progress']): StageStatus['progress'] {
  if (progress === undefined) return undefined;
  const { secondsLeft: _, ...rest } = progress;
  return rest;
}

function progressOf(attempt: AttemptObserved | undefined): StageStatus['progress'] {
  if (attempt?.progress === undefined) return undefined;
  const { warnings: _, ...progress } = attempt.progress;
  return progress;
}

/** What the newest attempt says; as long as it has said nothing, what was known before. A failure takes nothing back. */
function warningsOf(attempt: AttemptObserved | undefined, old: StageStatus | undefined): readonly StageWarning[] {
  const { result, progress } = attempt ?? {};
  const said = result?.outcome === 'succeeded' ? result : progress;
  return (said === undefined ? old?.warnings : said.warnings) ?? [];
}

/** For `kubectl wait` and whoever watches conditions; the list beside it has the warnings one by one. */
function warned(warnings: readonly StageWarning[]): NewCondition {
  const newest = warnings.at(-1);
  if (newest === undefined) return { type: 'Warned', status: 'False', reason: 'NoWarnings', message: '' };
  const message = warnings.map((each) => each.message).join('; ');
  return { type: 'Warned', status: 'True', reason: newest.reason, message };
}

function finalCheckpoint(attempt: AttemptObserved | undefined): StageCheckpoint | undefined {
  const { result, directory } = attempt ?? {};
  if (result?.outcome !== 'succeeded' || result.checkpoint === undefined) return undefined;
  if (directory === undefined) return result.checkpoint;
  return { ...result.checkpoint, path: `${directory}/${result.checkpoint.path}` };
}
