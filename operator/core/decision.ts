import type { Condition, Reason } from '../api/resources/conditions.ts';

/** What is to be done about an object, and what is said of it. */
export interface Decision<Action, Status> {
  readonly actions: readonly Action[];
  readonly status: Status;
  readonly recheckAfterMs?: number;
}

/** What a rule makes of a situation, if it is the one that fits. */
export interface RuleVerdict<Action> extends Outcome {
  readonly actions?: readonly Action[];
  readonly recheckAfterMs?: number;
}

/** What the `Succeeded` condition says. */
export interface Outcome {
  readonly status: Condition['status'];
  readonly reason: Reason;
  readonly message: string;
  /** Stages whose work does not fit their manifest any more. */
  readonly refused?: readonly string[];
}
