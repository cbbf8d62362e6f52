import { approveCommand } from './approval.ts';
import { lastsForMs } from '../budget.ts';
import {
  goOnWithFinishedStages,
  putStagesBack,
  resumeStages,
  retryCorrectedStages,
  updateWaitingStages,
  waitAfterRefusal,
} from './change-stages.ts';
import { failAtClosedEntry, failAtClosedGate, failForProblem, failWithFailedStage } from './fail-pipeline.ts';
import { hasRoomFor, isLive, liveReason } from './live-stages.ts';
import type { PipelineObserved } from '../observed.ts';
import type { PipelineAction, PipelineDecision, Rule, Verdict } from './pipeline-decision.ts';
import { surveyPipeline, type PipelineSituation } from './pipeline-situation.ts';
import { pipelineStatus } from './pipeline-status.ts';
import { inputStages } from './plan.ts';
import { refuseChangedStages, refuseToGoOnBelowOthers } from './refuse-changes.ts';
import { expire, retainVolume } from './retention.ts';
import { noteOnRerun, runStagesAgain } from './rerun.ts';
import { judgeChange } from '../settings-digest.ts';
import {
  failWhenBudgetIsSpent,
  mustRest,
  restWhileDeleted,
  restWhileSuspended,
  stopStages,
  waitForRemovedStages,
} from './stop-stages.ts';

export type { PipelineAction, PipelineDecision };

/** They start nothing. */
const always: readonly Rule[] = [
  runStagesAgain, // it lets go of finished work, which every rule below holds on to
  refuseChangedStages, // finished work is never thrown away silently
  refuseToGoOnBelowOthers, // before the work that would bring that about
  completeWhenAllSucceeded,
];

const atRest: readonly Rule[] = [
  restWhileSuspended,
  failForProblem,
  failWithFailedStage,
  failAtClosedGate,
  failAtClosedEntry,
  restWhileDeleted,
  failWhenBudgetIsSpent,
];

const atWork: readonly Rule[] = [
  failForProblem,
  goOnWithFinishedStages, // before a gate that may open by it
  retryCorrectedStages,
  failWithFailedStage, // nothing new starts after a failure
  failAtClosedGate,
  failAtClosedEntry, // before anything is spent on what would come of it
  resumeStages,
  updateWaitingStages,
  waitAfterRefusal,
  startReadyStages,
  waitForLiveStages,
  waitForApproval,
  waitForRemovedStages,
  waitForInputs,
];

/**
 * Chooses the next step of one pipeline; pure, like `decideStage`. What has to stop is known before any rule is asked, and
 * where all has to rest those that could start something are not asked at all.
 */
export function decidePipeline(observed: PipelineObserved): PipelineDecision {
  const situation = surveyPipeline(observed);
  const first = [...stopStages(situation), ...putStagesBack(situation)];
  for (const rule of [...always, ...(mustRest(situation) ? atRest : atWork)]) {
    const verdict = rule(situation);
    if (verdict === undefined) continue;
    const actions = [...first, ...(verdict.actions ?? [])];
    return expire(situation, retainVolume(situation, decision(situation, { ...verdict, actions })));
  }
  throw new Error(`no rule fits pipeline ${observed.pipeline.metadata.name}`);
}

function decision(situation: PipelineSituation, verdict: Verdict): PipelineDecision {
  const { pipeline, spent, rate } = situation;
  const message = verdict.message + noteOnRerun(pipeline);
  const status = pipelineStatus(situation, { ...verdict, message });
  const budgetMs = Math.ceil(lastsForMs(pipeline.spec.budget, spent, rate));
  // What runs spends the budget, also of a pipeline that has come to its end for now.
  const recheckAfterMs = Math.min(verdict.recheckAfterMs ?? Infinity, budgetMs > 0 ? budgetMs : Infinity);
  const recheck = recheckAfterMs === Infinity ? {} : { recheckAfterMs };
  return { actions: verdict.actions ?? [], status, ...recheck };
}

/** With what is asked for now: other settings mean that something is left to do, if only to measure. */
function completeWhenAllSucceeded({ views }: PipelineSituation): Verdict | undefined {
  const isDone = views.every(
    ({ usable, object, desired }) =>
      usable && object && (desired === undefined || judgeChange(object.spec, desired.spec).kind === 'none'),
  );
  if (!isDone) return undefined;
  const notes = views.flatMap(({ stage, gate }) =>
    gate === undefined || gate.passed ? [] : [`; gate of ${stage.name}: ${gate.message}`],
  );
  const done = views.length === 1 ? 'the stage has succeeded' : `all ${views.length} stages have succeeded`;
  return { status: 'True', reason: 'Completed', message: `${done}${notes.join('')}` };
}

function startReadyStages(situation: PipelineSituation): Verdict | undefined {
  const names: string[] = [];
  const actions: PipelineAction[] = [];
  for (const { stage, object, desired, entry } of situation.views) {
    if (object !== undefined || desired === undefined || entry.kind !== 'open') continue;
    if (!hasRoomFor(stage.name, situation, names)) continue;
    names.push(stage.name);
    actions.push({ kind: 'CreateStage', stage: desired });
  }
  if (actions.length === 0) return undefined;
  const message = `stage ${names.join(', ')} is next`;
  return { actions, status: 'Unknown', reason: liveReason(situation), message };
}

function waitForLiveStages(situation: PipelineSituation): Verdict | undefined {
  const live = situation.views.filter(isLive);
  if (live.length === 0) return undefined;
  const message = live
    .map(({ stage, succeeded }) => `stage ${stage.name}: ${succeeded?.message ?? 'is new'}`)
    .join('; ');
  return { status: 'Unknown', reason: liveReason(situation), message };
}

function waitForApproval({ pipeline, views }: PipelineSituation): Verdict | undefined {
  const waiting = views.filter(({ gate }) => gate?.action === 'Waiting');
  if (waiting.length === 0) return undefined;
  const said = waiting.map(({ stage, gate }) => `gate of stage ${stage.name}: ${gate?.message}`);
  const approve = waiting.map(({ stage }) => approveCommand(`r1 approve ${pipeline.metadata.name}`, stage)).join(', ');
  const message = `${said.join('; ')} (${approve}; on a cluster: ${approve.replaceAll('r1 approve', 'kubectl r1 approve')})`;
  return { status: 'Unknown', reason: 'WaitingForApproval', message };
}

/** Such as for the decision of a gate that compares with a stage which has not finished. */
function waitForInputs({ pipeline, views }: PipelineSituation): Verdict {
  const unusable = new Set(views.filter(({ usable }) => !usable).map(({ stage }) => stage.name));
  const waiting = views.flatMap(({ stage, entry }) => {
    const inputs = inputStages(stage, pipeline).filter((name) => unusable.has(name));
    const missing = new Set([...inputs, ...(entry.kind === 'waiting' ? entry.for : [])]);
    return missing.size === 0 ? [] : [`stage ${stage.name} waits for ${[...missing].join(', ')}`];
  });
  return { status: 'Unknown', reason: 'WaitingForInputs', message: waiting.join('; ') };
}
