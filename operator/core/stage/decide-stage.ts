import { reviewPhase } from '../../../trainer/contract/files/review.ts';
import { succeededStatus } from '../../api/resources/conditions.ts';
import { annotations } from '../../api/resources/metadata.ts';
import type { AttemptRecord, R1Stage } from '../../api/resources/stage.ts';
import { hasResult } from '../attempts.ts';
import { isChangedByHand } from '../asked-for.ts';
import { exhausted, lastsForMs } from '../budget.ts';
import { decideRemoval } from './decide-removal.ts';
import { decideRollout } from './decide-rollout.ts';
import type { AttemptObserved, StageObserved } from '../observed.ts';
import { judgeRetry } from '../retry.ts';
import type { Rule, StageAction, StageDecision, Verdict } from './stage-decision.ts';
import { surveyStage, type StageSituation } from './stage-situation.ts';
import { stageStatus } from './stage-status.ts';
import {
  endOrphan,
  replaceAttemptWithoutVolume,
  replaceOutdatedAttempt,
  stopAtDeadline,
  stopAtStartDeadline,
  stopHungAttempt,
  stopWhenBudgetIsSpent,
  stopWhileSuspended,
  waitForStoppingAttempt,
  withoutRefusedStop,
} from './stop-attempt.ts';

const rules: readonly Rule[] = [
  keepSuccess,
  endOrphan, // what it was asked before, it was asked by way of what is gone
  waitForStoppingAttempt, // a second order to end says nothing new to a pod
  stopWhileSuspended, // the user's word comes before any progress
  stopAtDeadline,
  stopWhenBudgetIsSpent,
  stopHungAttempt,
  stopAtStartDeadline,
  replaceOutdatedAttempt,
  replaceAttemptWithoutVolume,
  waitForLiveAttempt, // no rule below may start a second writer
  waitToBePutBack, // nothing is begun with settings that its pipeline does not ask for
  failAtDeadline,
  failWhenBudgetIsSpent,
  failForProblem,
  failWithoutRetriesLeft,
  waitForInputs, // no input is made again for a stage that would fail with it all the same
  waitAfterRefusal,
  startFirstAttempt,
  retryAfterBackoff,
];

/**
 * Chooses the next step of one stage. Pure: the same observation always gives the same decision, so a decision that
 * was applied only halfway is simply made again.
 */
export function decideStage(observed: StageObserved): StageDecision {
  const situation = surveyStage(observed);
  for (const rule of rules) {
    const found = rule(situation);
    if (found === undefined) continue;
    const verdict = withoutRefusedStop(found, observed);
    const { actions = [] } = verdict;
    const { records } = situation;
    const started = actions.find(({ kind }) => kind === 'StartAttempt')?.attempt;
    const recheckAfterMs = earliest(verdict.recheckAfterMs, observed);
    const status = stageStatus(situation, verdict);
    return {
      actions: [...decideRemoval(observed, records, started), ...actions, ...decideRollout(observed, records)],
      status,
      ...(recheckAfterMs === undefined ? {} : { recheckAfterMs }),
    };
  }
  throw new Error(`no rule fits stage ${observed.stage.metadata.name}`);
}

function earliest(ms: number | undefined, { now, changesAt, rolloutRefusal }: StageObserved): number | undefined {
  const later = [changesAt, rolloutRefusal?.until].flatMap((at) => (at === undefined ? [] : Math.max(1000, at - now)));
  return later.length === 0 ? ms : Math.min(ms ?? Infinity, ...later);
}

function keepSuccess({ last, observed: { stage } }: StageSituation): Verdict | undefined {
  if (last?.outcome !== 'Succeeded') return undefined;
  const keeps = isChangedByHand(stage) ? succeededStatus(stage.status?.conditions) === 'True' : hasResult(stage, last);
  if (!keeps) return undefined;
  return { status: 'True', reason: 'Completed', message: last.message };
}

function waitForLiveAttempt({ now, live, records, retry, observed, spent: sum }: StageSituation): Verdict | undefined {
  if (live === undefined) return undefined;
  if (live.state !== 'running') {
    const { number, waiting, waitingReason } = live;
    const waits = waiting === undefined ? `attempt ${number} waits to start` : `attempt ${number} waits: ${waiting}`;
    const before = records.at(-2);
    const message = before?.outcome === 'Failed' ? `${waits}; ${endInWords(before)}` : waits;
    const { startDeadlineSeconds: limit } = observed.stage.spec;
    const recheck = limit === undefined ? {} : { recheckAfterMs: live.startedAt + limit * 1000 - now };
    return { status: 'Unknown', reason: waitingReason ?? 'AttemptPending', message, ...recheck };
  }
  const { deadlineSeconds = Infinity, budget } = observed.stage.spec;
  const recheckAfterMs = Math.min(
    retry.hungAfterSeconds * 1000 - (live.silentMs ?? 0),
    (deadlineSeconds - sum.runSeconds) * 1000,
    lastsForMs(budget, sum, { runSeconds: 1, gpuHours: live.gpus / 3600 }),
  );
  return {
    status: 'Unknown',
    ...atWork(live, observed.stage),
    recheckAfterMs: Math.max(100, Math.ceil(recheckAfterMs)),
  };
}

/** Running, or done with all but what people have to do. */
function atWork({ number, progress }: AttemptObserved, { spec }: R1Stage): Pick<Verdict, 'reason' | 'message'> {
  if (progress?.phase !== reviewPhase) return { reason: 'AttemptRunning', message: `attempt ${number} runs` };
  const command = `r1 review ${spec.pipeline}/${spec.stage}`;
  const decided = `${progress.step} of ${progress.steps} rows are decided`;
  return {
    reason: 'WaitingForPerson',
    message: `waits for a person: ${decided} (${command}; on a cluster: kubectl ${command})`,
  };
}

function waitToBePutBack({ observed: { stage } }: StageSituation): Verdict | undefined {
  if (!isChangedByHand(stage)) return undefined;
  const message = `asks for something else than pipeline ${stage.spec.pipeline}, which puts it back or says why not`;
  return { status: 'Unknown', reason: 'Pending', message };
}

function failAtDeadline({ observed: { stage }, records, spent: { runSeconds } }: StageSituation): Verdict | undefined {
  const { deadlineSeconds } = stage.spec;
  if (records.length === 0 || deadlineSeconds === undefined || runSeconds < deadlineSeconds) return undefined;
  const message = `attempts have run for ${runSeconds} seconds, the deadline is ${deadlineSeconds}`;
  return { status: 'False', reason: 'DeadlineExceeded', message };
}

function failWhenBudgetIsSpent({ observed: { stage }, spent: sum }: StageSituation): Verdict | undefined {
  const message = exhausted(stage.spec.budget, sum);
  return message === undefined ? undefined : { status: 'False', reason: 'BudgetExhausted', message };
}

function failForProblem({ observed: { problem } }: StageSituation): Verdict | undefined {
  return problem === undefined ? undefined : { status: 'False', reason: 'UserError', message: problem };
}

function failWithoutRetriesLeft({ observed: { stage }, records, retry }: StageSituation): Verdict | undefined {
  if (records.length === 0) return undefined;
  const judged = judgeRetry(records, retry, forgivenAttempts(stage.metadata.annotations));
  if (judged.kind !== 'giveUp') return undefined;
  return { status: 'False', reason: judged.reason, message: judged.message };
}

function waitForInputs({ observed: { inputProblem } }: StageSituation): Verdict | undefined {
  if (inputProblem === undefined) return undefined;
  return { status: 'Unknown', reason: 'WaitingForInputs', message: inputProblem };
}

/** Asking at once again would be refused again. */
function waitAfterRefusal({ now, last, observed: { refusal } }: StageSituation): Verdict | undefined {
  if (refusal === undefined || refusal.until <= now) return undefined;
  const message = `attempt ${(last?.number ?? 0) + 1} cannot be started: ${refusal.message}`;
  return {
    status: 'Unknown',
    reason: refusal.passes ? 'Pending' : 'Refused',
    message,
    recheckAfterMs: refusal.until - now,
  };
}

function startFirstAttempt({ last }: StageSituation): Verdict | undefined {
  if (last !== undefined) return undefined;
  return { actions: [start(1)], status: 'Unknown', reason: 'Pending', message: 'has no attempt yet' };
}

function retryAfterBackoff({ now, observed: { stage }, records, last, retry }: StageSituation): Verdict | undefined {
  const judged = judgeRetry(records, retry, forgivenAttempts(stage.metadata.annotations));
  if (judged.kind !== 'retry' || last === undefined) return undefined;
  const waitMs = judged.notBefore - now;
  const after = endInWords(last);
  if (waitMs > 0) {
    const message = `${after}; next attempt in ${Math.ceil(waitMs / 1000)} s`;
    return { status: 'Unknown', reason: 'BackingOff', message, recheckAfterMs: waitMs };
  }
  return { actions: [start(last.number + 1)], status: 'Unknown', reason: 'Pending', message: after };
}

/** A stage that its pipeline made is asked for nothing that its work does not fit; one that was applied alone can be. */
function endInWords({ number, outcome, message }: AttemptRecord): string {
  if (outcome !== 'Succeeded') return `attempt ${number} ended: ${message}`;
  return `attempt ${number} succeeded with other settings than are asked for now; another one goes on from there, or begins anew where these decide more than its length`;
}

function start(attempt: number): StageAction {
  return { kind: 'StartAttempt', attempt };
}

/** Attempts up to this number do not count against the retry budget: a person wants the stage tried again. */
function forgivenAttempts(given: Record<string, string> | undefined): number {
  const number = Number(given?.[annotations.forgiven] ?? 0);
  return Number.isInteger(number) ? number : 0;
}
