import type { Outcome } from './pipeline-status.ts';

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
