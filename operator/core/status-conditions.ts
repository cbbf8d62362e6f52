import {
  findCondition,
  setCondition,
  waitingReasons,
  type Condition,
  type NewCondition,
} from '../api/resources/conditions.ts';

const waits: readonly string[] = [...waitingReasons, 'WaitingForApproval', 'WaitingForInputs'];

/**
 * The `Succeeded` condition, and beside it those by which programs can wait for a failure, or for what needs somebody:
 * `kubectl wait` knows no other way. They appear once they hold.
 */
export function withOutcome(
  old: readonly Condition[],
  succeeded: NewCondition,
  now: number,
  generation: number | undefined,
): Condition[] {
  const { status, reason, message } = succeeded;
  const beside: readonly (readonly ['Failed' | 'Waiting', boolean])[] = [
    ['Failed', status === 'False'],
    ['Waiting', status === 'Unknown' && waits.includes(reason)],
  ];
  let conditions = setCondition(old, succeeded, now, generation);
  for (const [type, holds] of beside) {
    if (!holds && findCondition(conditions, type) === undefined) continue;
    const words = holds
      ? { status: 'True' as const, reason, message }
      : { status: 'False' as const, reason, message: '' };
    conditions = setCondition(conditions, { type, ...words }, now, generation);
  }
  return conditions;
}

/** It is true once nothing runs any more. */
export function suspendedCondition(asked: boolean, quiet: boolean): NewCondition {
  const type = 'Suspended';
  if (!asked) return { type, status: 'False', reason: 'Active', message: '' };
  if (!quiet) return { type, status: 'False', reason: 'AttemptStopping', message: 'what runs saves and ends' };
  return { type, status: 'True', reason: 'Suspended', message: 'suspended by spec.suspend' };
}
