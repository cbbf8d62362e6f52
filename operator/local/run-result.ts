import { exitCodes } from '../../trainer/contract/process/exit-codes.ts';
import { findCondition, succeededStatus } from '../api/resources/conditions.ts';
import type { R1Pipeline } from '../api/resources/pipeline.ts';
import type { FailureClass, R1Stage } from '../api/resources/stage.ts';

/** How a run ended. */
export interface RunResult {
  readonly outcome: 'Succeeded' | 'Failed' | 'Interrupted' | 'Suspended' | 'Waiting';
  readonly succeeded: boolean;
  /** Reason and message of the pipeline's condition. */
  readonly reason: string;
  readonly message: string;
  /** 0; 130 when interrupted; the trainer's code for the failure (64 user error, 65 … 67); else 1. */
  readonly exitCode: number;
  readonly pipeline: R1Pipeline;
  readonly stages: readonly R1Stage[];
}

/** What the shell convention calls "ended by SIGINT". */
const interruptedCode = 130;

const codeOfClass: Partial<Record<FailureClass, number>> = {
  userError: exitCodes.userError,
  outOfMemory: exitCodes.outOfMemory,
  diskFull: exitCodes.diskFull,
  diverged: exitCodes.diverged,
};

/** What a run came to, from the conditions that it left. */
export function runResult(pipeline: R1Pipeline, stages: readonly R1Stage[]): RunResult {
  const condition = findCondition(pipeline.status?.conditions, 'Succeeded');
  const { status = 'Unknown', reason = 'Interrupted', message = '' } = condition ?? {};
  const outcome = outcomeOf(status, reason);
  return {
    outcome,
    succeeded: outcome === 'Succeeded',
    reason,
    message,
    exitCode: exitCodeOf(outcome, reason, stages),
    pipeline,
    stages,
  };
}

function outcomeOf(status: string, reason: string): RunResult['outcome'] {
  if (status === 'True') return 'Succeeded';
  if (status === 'False') return 'Failed';
  if (reason === 'Suspended') return 'Suspended';
  return reason === 'WaitingForApproval' ? 'Waiting' : 'Interrupted';
}

function exitCodeOf(outcome: RunResult['outcome'], reason: string, stages: readonly R1Stage[]): number {
  if (outcome === 'Succeeded') return 0;
  if (outcome === 'Interrupted') return interruptedCode;
  if (reason === 'StageChanged') return exitCodes.userError;
  if (reason !== 'StageFailed') return 1;
  const failed = stages.find(({ status }) => succeededStatus(status?.conditions) === 'False');
  const cause = failed?.status?.attempts.at(-1)?.class;
  return (cause && codeOfClass[cause]) ?? 1;
}
