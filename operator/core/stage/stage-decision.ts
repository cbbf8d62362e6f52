import type { StageStatus } from '../../api/resources/stage.ts';
import type { RemovalAction } from './decide-removal.ts';
import type { RolloutAction } from './decide-rollout.ts';
import type { StopReason } from '../observed.ts';
import type { Decision, RuleVerdict } from '../decision.ts';
import type { StageSituation } from './stage-situation.ts';

export type StageAction =
  | { readonly kind: 'StartAttempt'; readonly attempt: number }
  | { readonly kind: 'StopAttempt'; readonly attempt: number; readonly reason: StopReason }
  | RemovalAction
  | RolloutAction;

export type StageDecision = Decision<StageAction, StageStatus>;

export type Verdict = RuleVerdict<StageAction>;

export type Rule = (situation: StageSituation) => Verdict | undefined;
