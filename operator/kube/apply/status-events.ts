import { findCondition, waitingReasons, type Condition } from '../../api/resources/conditions.ts';
import type { PipelineStatus } from '../../api/resources/pipeline.ts';
import type { AttemptRecord, StageStatus } from '../../api/resources/stage.ts';
import { hasNotEnded } from '../../core/attempts.ts';
import type { EventMessage } from '../client/events.ts';

/** Attempts of which only the new status knows that they have ended. */
export function endedAttempts(before: StageStatus | undefined, after: StageStatus): AttemptRecord[] {
  const known = new Set((before?.attempts ?? []).filter((each) => !hasNotEnded(each)).map(({ number }) => number));
  return after.attempts.filter((each) => !hasNotEnded(each) && !known.has(each.number));
}

/** What a change of a stage's status tells people. Success is told once, by the stage and not by its attempt. */
export function stageEvents(before: StageStatus | undefined, after: StageStatus): EventMessage[] {
  const ends = endedAttempts(before, after)
    .filter(({ outcome }) => outcome !== 'Succeeded')
    .map((attempt): EventMessage => {
      const failed = attempt.outcome === 'Failed';
      const cause = attempt.class === undefined ? '' : ` (${attempt.class})`;
      return {
        type: failed ? 'Warning' : 'Normal',
        reason: failed ? 'AttemptFailed' : 'AttemptInterrupted',
        message: `attempt ${attempt.number}${cause}: ${attempt.message}`,
      };
    });
  const known = new Set((before?.warnings ?? []).map(({ reason }) => reason));
  const warnings = (after.warnings ?? [])
    .filter(({ reason }) => !known.has(reason))
    .map(({ reason, message }): EventMessage => ({ type: 'Warning', reason, message }));
  return [...ends, ...warnings, ...endOf(before?.conditions, after.conditions)];
}

/** What a change of a pipeline's status tells people. */
export function pipelineEvents(before: PipelineStatus | undefined, after: PipelineStatus): EventMessage[] {
  const known = new Set((before?.gates ?? []).map(({ digest, action }) => `${digest} ${action}`));
  const gates = after.gates
    .filter(({ digest, action }) => !known.has(`${digest} ${action}`))
    .map(({ stage, action, message }): EventMessage => ({
      type: action === 'Stopped' ? 'Warning' : 'Normal',
      reason: `Gate${action}`,
      message: `gate of stage ${stage}: ${message}`,
    }));
  return [...gates, ...waitOf(before?.conditions, after.conditions), ...endOf(before?.conditions, after.conditions)];
}

/** What keeps all of a pipeline from running is said once, however its words change; that it waits in a queue is no warning. */
function waitOf(before: readonly Condition[] | undefined, after: readonly Condition[]): EventMessage[] {
  const [known, found] = [before, after].map((each) => findCondition(each, 'Succeeded'));
  const isNews = found?.status === 'Unknown' && found.reason !== known?.reason && found.reason !== 'Queued';
  if (!isNews || !waitingReasons.some((each) => each === found.reason)) return [];
  return [{ type: 'Warning', reason: found.reason, message: found.message }];
}

function endOf(before: readonly Condition[] | undefined, after: readonly Condition[]): EventMessage[] {
  const succeeded = findCondition(after, 'Succeeded');
  if (succeeded === undefined || succeeded.status === 'Unknown') return [];
  if (findCondition(before, 'Succeeded')?.status === succeeded.status) return [];
  const { reason, message, status } = succeeded;
  return [{ type: status === 'True' ? 'Normal' : 'Warning', reason, message }];
}
