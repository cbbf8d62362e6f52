import type { R1Stage } from '../../api/resources/stage.ts';
import { isChangedByHand, isOfPipeline } from '../asked-for.ts';
import { hasOtherSettings, isMadeFromOthers } from '../attempts.ts';
import { exhausted } from '../budget.ts';
import { heldInWords } from '../deletion.ts';
import type { AttemptObserved, StageObserved, StopReason } from '../observed.ts';
import type { StageAction, Verdict } from './stage-decision.ts';
import type { StageSituation } from './stage-situation.ts';

/** With the Job of an attempt goes every way to end it in order: a deadline, a budget, a suspension. */
export function endOrphan({ live }: StageSituation): Verdict | undefined {
  if (live?.orphaned === undefined) return undefined;
  const message = `attempt ${live.number} goes on although its Job is gone`;
  return { actions: [stop(live, 'orphaned')], status: 'Unknown', reason: 'AttemptStopping', message };
}

export function waitForStoppingAttempt({ live }: StageSituation): Verdict | undefined {
  if (live?.stopping === undefined) return undefined;
  const message = `attempt ${live.number} was asked to end (${live.stopping})`;
  // In a queue there is no pod that could hear of it: whoever gave the order may not have come to its second half.
  const actions = live.waitingReason === 'Queued' ? [stop(live, live.stopping)] : [];
  return { actions, status: 'Unknown', reason: 'AttemptStopping', message };
}

export function stopWhileSuspended({ observed: { stage }, live }: StageSituation): Verdict | undefined {
  // One that is being deleted, and is held, would go on with its GPUs for ever.
  const message = heldInWords(stage.metadata) ?? (stage.spec.suspend ? suspendedBy(stage) : undefined);
  if (message === undefined) return undefined;
  if (live === undefined) return { status: 'Unknown', reason: 'Suspended', message };
  return { actions: [stop(live, 'suspended')], status: 'Unknown', reason: 'AttemptStopping', message };
}

/** A pipeline has its stages rest for reasons of its own, such as a budget that is spent, and says them. */
function suspendedBy(stage: R1Stage): string {
  return `suspended by ${isOfPipeline(stage) ? `pipeline ${stage.spec.pipeline}` : 'spec.suspend'}`;
}

export function stopAtDeadline({
  observed: { stage },
  live,
  spent: { runSeconds },
}: StageSituation): Verdict | undefined {
  const { deadlineSeconds } = stage.spec;
  if (live === undefined || deadlineSeconds === undefined || runSeconds < deadlineSeconds) return undefined;
  const message = `attempts have run for more than ${deadlineSeconds} seconds`;
  return { actions: [stop(live, 'deadline')], status: 'Unknown', reason: 'AttemptStopping', message };
}

export function stopWhenBudgetIsSpent({ observed: { stage }, live, spent: sum }: StageSituation): Verdict | undefined {
  const message = exhausted(stage.spec.budget, sum);
  if (live === undefined || message === undefined) return undefined;
  return { actions: [stop(live, 'budget')], status: 'Unknown', reason: 'AttemptStopping', message };
}

export function stopAtStartDeadline({ now, live, observed: { stage } }: StageSituation): Verdict | undefined {
  const { startDeadlineSeconds } = stage.spec;
  if (live?.state !== 'pending' || startDeadlineSeconds === undefined) return undefined;
  if (now < live.startedAt + startDeadlineSeconds * 1000) return undefined;
  const waited = live.waiting === undefined ? '' : `: ${live.waiting}`;
  const message = `attempt ${live.number} did not start within ${startDeadlineSeconds} seconds${waited}`;
  return { actions: [stop(live, 'startDeadline')], status: 'Unknown', reason: 'AttemptStopping', message };
}

export function stopHungAttempt({ live, retry }: StageSituation): Verdict | undefined {
  if (live?.state !== 'running') return undefined; // one that waits, for GPUs or in a queue, has nothing to say
  const { silentMs = 0 } = live;
  if (silentMs < retry.hungAfterSeconds * 1000) return undefined;
  const message = `attempt ${live.number} wrote no progress line for ${Math.round(silentMs / 1000)} seconds`;
  return { actions: [stop(live, 'hung')], status: 'Unknown', reason: 'AttemptStopping', message };
}

/** A pod that cannot be placed, say, waits forever, whatever else is asked for by now; one that runs may come to another result. */
export function replaceOutdatedAttempt({ live, observed: { stage } }: StageSituation): Verdict | undefined {
  if (live === undefined || isChangedByHand(stage)) return undefined;
  const waits = live.state === 'pending';
  const isOutdated = waits ? isMadeFromOthers(stage, live) : hasOtherSettings(stage, live);
  const hasOtherDefaults = waits && live.hasOtherDefaults === true;
  if (!isOutdated && !hasOtherDefaults) return undefined;
  const does = waits ? 'waited' : 'runs';
  const what = isOutdated ? 'settings than those that are asked for' : "defaults than the operator's";
  const message = `attempt ${live.number} ${does} with other ${what} now`;
  return { actions: [stop(live, 'replaced')], status: 'Unknown', reason: 'AttemptStopping', message };
}

/** Its pod can hold the very claim that has to go before it is made anew, and would wait for ever. */
export function replaceAttemptWithoutVolume({ live }: StageSituation): Verdict | undefined {
  if (live?.state !== 'pending' || live.volumeGone === undefined) return undefined;
  const message = `attempt ${live.number} waits for what will not come: ${live.waiting ?? 'its claim is gone'}`;
  return { actions: [stop(live, 'volumeGone')], status: 'Unknown', reason: 'AttemptStopping', message };
}

/** Asking at once again would be refused again. */
export function withoutRefusedStop(verdict: Verdict, { now, stopRefusal }: StageObserved): Verdict {
  const stops = verdict.actions?.some(({ kind }) => kind === 'StopAttempt') ?? false;
  if (!stops || stopRefusal === undefined || stopRefusal.until <= now) return verdict;
  const message = `${verdict.message}; it cannot be ended: ${stopRefusal.message}`;
  return { ...verdict, actions: [], message, recheckAfterMs: stopRefusal.until - now };
}

function stop({ number }: AttemptObserved, reason: StopReason): StageAction {
  return { kind: 'StopAttempt', attempt: number, reason };
}
