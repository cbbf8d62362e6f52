import type { AttemptRecord, R1Stage } from '../../api/resources/stage.ts';
import { hasNotEnded, isMadeFromOthers } from '../attempts.ts';
import type { AttemptObserved, StageObserved } from '../observed.ts';

export type RolloutAction =
  | { readonly kind: 'StartRolloutWorkers'; readonly attempt: number }
  | { readonly kind: 'ResizeRolloutWorkers'; readonly attempt: number; readonly workers: number }
  /** They come again with a learner that runs, whose Service stays. */
  | { readonly kind: 'WithdrawRolloutWorkers'; readonly attempt: number }
  | { readonly kind: 'EndRolloutWorkers'; readonly attempt: number };

/**
 * Keeps rollout workers in step with the attempts that they sample for. An attempt gets them once it runs, so that they take
 * no GPU from it, and has them taken back while it waits again, as when a queue or a preemption took its pod; those of one that has ended hold
 * nothing but GPUs; those of a running one become more or fewer as the stage asks, and are made anew where none of them runs and other
 * defaults may let them. Where they are refused, the attempt goes on without them.
 */
export function decideRollout(
  { now, stage, attempts, rollouts, rolloutRefusal }: StageObserved,
  records: readonly AttemptRecord[],
): RolloutAction[] {
  if (rollouts === undefined) return []; // whoever starts an attempt here starts its workers with it
  const asked = stage.spec.rolloutWorkers;
  const ended = new Set(records.filter((each) => !hasNotEnded(each)).map(({ number }) => number));
  const waiting = new Set(attempts.filter(({ state }) => state === 'pending').map(({ number }) => number));
  const actions: RolloutAction[] = [];
  for (const { attempt, workers, running, hasOtherDefaults } of rollouts) {
    if (ended.has(attempt)) actions.push({ kind: 'EndRolloutWorkers', attempt });
    else if (waiting.has(attempt) || (hasOtherDefaults && running === 0))
      actions.push({ kind: 'WithdrawRolloutWorkers', attempt });
    else if (workers !== asked) actions.push({ kind: 'ResizeRolloutWorkers', attempt, workers: asked });
  }
  if (asked === 0 || (rolloutRefusal !== undefined && rolloutRefusal.until > now)) return actions;
  const have = new Set(rollouts.map(({ attempt }) => attempt));
  for (const attempt of attempts) {
    const { number, state, stopping } = attempt;
    if (state !== 'running' || stopping !== undefined || isMadeFromOthers(stage, attempt) || have.has(number)) continue;
    actions.push({ kind: 'StartRolloutWorkers', attempt: number });
  }
  return actions;
}

/** Why an attempt that runs gets no workers, if that is for the attempt itself. */
export function whyNoWorkers(stage: R1Stage, attempt: AttemptObserved): string | undefined {
  if (attempt.state !== 'running' || !isMadeFromOthers(stage, attempt)) return undefined;
  return `attempt ${attempt.number} began without any, or with other settings; the next one has them`;
}
