import type { StageStatus } from '../api/stage.ts';
import type { RemovalAction } from './decide-removal.ts';
import type { RolloutAction } from './decide-rollout.ts';
import type { StopReason } from './observed.ts';
import type { Outcome } from './pipeline-status.ts';
import type { StageSituation } from './stage-situation.ts';

export type StageAction =
  | { readonly kind: 'StartAttempt'; readonly attempt: number }
  | { readonly kind: 'StopAttempt'; readonly attempt: number; readonly reason: StopReason }
  | RemovalAction
  | RolloutAction;

export interface StageDecision {
  readonly actions: readonly StageAction[];
  readonly status: StageStatus;
  readonly recheckAfterMs?: number;
}

/** What a rule makes of a stage, if it is the one that fits. */
export interface Verdict extends Outcome {
  readonly actions?: readonly StageAction[];
  readonly recheckAfterMs?: number;
}

export type Rule = (situation: StageSituation) => Verdict | undefined;
