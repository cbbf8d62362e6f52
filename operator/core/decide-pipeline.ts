import { findCondition, type Reason } from '../api/conditions.ts';
import { annotations } from '../api/metadata.ts';
import type { R1Stage } from '../api/stage.ts';
import { exhausted, lastsForMs } from './budget.ts';
import { sameContent } from './names.ts';
import type { PipelineObserved } from './observed.ts';
import type { PipelineAction, PipelineDecision, Rule, Verdict } from './pipeline-decision.ts';
import { isLive, surveyPipeline, type PipelineSituation } from './pipeline-situation.ts';
import { pipelineStatus } from './pipeline-status.ts';
import { refuseChangedStages, refuseToGoOnBelowOthers } from './refuse-changes.ts';
import { noteOnRerun, runStagesAgain } from './rerun.ts';
import { inputStages } from './plan.ts';
import { describeChange } from './describe-change.ts';
import { judgeChange } from './settings-digest.ts';

export type { PipelineAction, PipelineDecision };

const rules: readonly Rule[] = [
  runStagesAgain, // it lets go of finished work, which every rule below holds on to
  suspendRemovedStages,
  refuseChangedStages, // finished work is never thrown away silently
  refuseToGoOnBelowOthers, // before the work that would bring that about
  goOnWithFinishedStages, // before it counts as finished
  completeWhenAllSucceeded,
  suspendStages, // the user's word comes before any progress
  failForProblem,
  retryCorrectedStages,
  failWithFailedStage, // nothing new starts after a failure
  failAtClosedGate,
  stopWhenBudgetIsSpent,
  resumeStages,
  updateWaitingStages,
  waitAfterRefusal,
  startReadyStages,
  waitForLiveStages,
  waitForApproval,
];

/** Chooses the next step of one pipeline; pure, like `decideStage`. */
export function decidePipeline(observed: PipelineObserved): PipelineDecision {
  const situation = surveyPipeline(observed);
  for (const rule of rules) {
    const verdict = rule(situation);
    if (verdict !== undefined) return expire(situation, decision(situation, verdict));
  }
  throw new Error(`no rule fits pipeline ${observed.pipeline.metadata.name}`);
}

function decision(situation: PipelineSituation, verdict: Verdict): PipelineDecision {
  const { pipeline, spent, rate } = situation;
  const message = verdict.message + noteOnRerun(pipeline);
  const status = pipelineStatus(situation, { ...verdict, message });
  const budgetMs = Math.ceil(lastsForMs(pipeline.spec.budget, spent, rate));
  const recheckAfterMs = Math.min(verdict.recheckAfterMs ?? Infinity, budgetMs > 0 ? budgetMs : Infinity);
  const recheck = verdict.status !== 'Unknown' || recheckAfterMs === Infinity ? {} : { recheckAfterMs };
  return { actions: verdict.actions ?? [], status, ...recheck };
}

/**
 * Adds the end of a pipeline that ended some time ago; its end can always be seen before it is gone. One whose manifest does
 * not fit its work any more has not ended, whatever its condition says: stages may run, and a person is to decide.
 */
function expire({ observed: { now }, pipeline }: PipelineSituation, decided: PipelineDecision): PipelineDecision {
  const { ttlSecondsAfterFinished: ttlSeconds } = pipeline.spec;
  const { completedAt, conditions } = decided.status;
  if (ttlSeconds === undefined || completedAt === undefined) return decided;
  if (findCondition(conditions, 'Succeeded')?.reason === 'StageChanged') return decided;
  const leftMs = Date.parse(completedAt) + ttlSeconds * 1000 - now;
  const told = pipeline.status?.completedAt !== undefined;
  if (!told || leftMs > 0) return { ...decided, recheckAfterMs: Math.max(100, leftMs) };
  return { ...decided, actions: [...decided.actions, { kind: 'DeletePipeline' }] };
}

/** A stage that left the manifest keeps what it made, in case that it comes back, but no GPU. */
function suspendRemovedStages({ observed, pipeline }: PipelineSituation): Verdict | undefined {
  const kept = new Set(pipeline.spec.stages.map(({ name }) => name));
  const removed = observed.stages.filter(
    ({ spec, status }) =>
      !kept.has(spec.stage) &&
      !spec.suspend &&
      (findCondition(status?.conditions, 'Succeeded')?.status ?? 'Unknown') === 'Unknown',
  );
  if (removed.length === 0) return undefined;
  const actions = removed.map(({ metadata: { name } }) => ({ kind: 'SuspendStage' as const, name, suspend: true }));
  const names = removed.map(({ spec }) => spec.stage).join(', ');
  return { actions, status: 'Unknown', reason: 'StageRunning', message: `stage ${names} left the manifest` };
}

/**
 * A finished stage is measured as its manifest asks by now, or gets the further steps that it asks for. Its output may move
 * to the directory of another attempt, so whoever reads it comes to an end first.
 */
function goOnWithFinishedStages(situation: PipelineSituation): Verdict | undefined {
  const { observed, pipeline, views } = situation;
  const live = views.filter(isLive);
  if (pipeline.spec.suspend || observed.problem !== undefined || live.length >= observed.maxRunningStages)
    return undefined;
  for (const { stage, object, desired, succeeded } of views) {
    if (succeeded?.status !== 'True' || object === undefined || desired === undefined) continue;
    const change = judgeChange(object.spec, desired.spec);
    if (change.kind === 'none' || live.some((each) => inputStages(each.stage, pipeline).includes(stage.name))) continue;
    const what = change.kind === 'longer' ? 'is made longer' : 'is measured anew, its output stays';
    const message = `stage ${stage.name} ${what} (${describeChange(object.spec, desired.spec)})`;
    return updateStage(situation, { ...object, spec: desired.spec }, message);
  }
  return undefined;
}

function suspendStages({ pipeline, views }: PipelineSituation): Verdict | undefined {
  if (!pipeline.spec.suspend) return undefined;
  const actions = views.flatMap(({ object, succeeded }) =>
    object !== undefined && !object.spec.suspend && (succeeded?.status ?? 'Unknown') === 'Unknown'
      ? [{ kind: 'SuspendStage' as const, name: object.metadata.name, suspend: true }]
      : [],
  );
  return { actions, status: 'Unknown', reason: 'Suspended', message: 'suspended by spec.suspend' };
}

function failForProblem(situation: PipelineSituation): Verdict | undefined {
  const { problem } = situation.observed;
  return problem === undefined ? undefined : failOnceQuiet(situation, 'UserError', problem);
}

function resumeStages({ views }: PipelineSituation): Verdict | undefined {
  const actions = views.flatMap(({ object }) =>
    object?.spec.suspend ? [{ kind: 'SuspendStage' as const, name: object.metadata.name, suspend: false }] : [],
  );
  if (actions.length === 0) return undefined;
  return { actions, status: 'Unknown', reason: 'StageRunning', message: 'resumed' };
}

/** Whoever corrects the manifest of a failed stage wants it tried again: what failed before no longer counts. */
function retryCorrectedStages(situation: PipelineSituation): Verdict | undefined {
  const corrected = situation.views.find(
    ({ object, desired, succeeded }) =>
      succeeded?.status === 'False' &&
      object !== undefined &&
      desired !== undefined &&
      !sameContent(object.spec, desired.spec),
  );
  const { stage: { name } = {}, object, desired } = corrected ?? {};
  if (object === undefined || desired === undefined) return undefined;
  const { metadata, status } = object;
  const forgiven = { [annotations.forgiven]: String(status?.attempts.at(-1)?.number ?? 0) };
  const stage: R1Stage = {
    ...object,
    metadata: { ...metadata, annotations: { ...metadata.annotations, ...forgiven } },
    spec: desired.spec,
  };
  const message = `stage ${name} is tried again with the settings that are asked for now`;
  return updateStage(situation, stage, message);
}

function failWithFailedStage(situation: PipelineSituation): Verdict | undefined {
  const failed = situation.views.find(({ succeeded }) => succeeded?.status === 'False');
  if (failed?.succeeded === undefined) return undefined;
  const message = `stage ${failed.stage.name} failed (${failed.succeeded.reason}): ${failed.succeeded.message}`;
  return failOnceQuiet(situation, 'StageFailed', message);
}

function failAtClosedGate(situation: PipelineSituation): Verdict | undefined {
  const closed = situation.views.find(({ gate }) => gate?.action === 'Stopped');
  if (closed?.gate === undefined) return undefined;
  return failOnceQuiet(
    situation,
    'GateFailed',
    `the gate of stage ${closed.stage.name} failed: ${closed.gate.message}`,
  );
}

/** Stages that still run may end; the pipeline has failed when they have. */
function failOnceQuiet({ views }: PipelineSituation, reason: Reason, message: string): Verdict {
  const live = views.filter(isLive);
  if (live.length === 0) return { status: 'False', reason, message };
  const names = live.map(({ stage }) => stage.name).join(', ');
  return { status: 'Unknown', reason: 'StageRunning', message: `${message}; ${names} may still end` };
}

function completeWhenAllSucceeded({ views }: PipelineSituation): Verdict | undefined {
  if (!views.every(({ usable }) => usable)) return undefined;
  const notes = views.flatMap(({ stage, gate }) =>
    gate === undefined || gate.passed ? [] : [`; gate of ${stage.name}: ${gate.message}`],
  );
  const done = views.length === 1 ? 'the stage has succeeded' : `all ${views.length} stages have succeeded`;
  return { status: 'True', reason: 'Completed', message: `${done}${notes.join('')}` };
}

function stopWhenBudgetIsSpent({ pipeline, views, spent }: PipelineSituation): Verdict | undefined {
  const message = exhausted(pipeline.spec.budget, spent);
  if (message === undefined) return undefined;
  const live = views.filter(isLive);
  if (live.length === 0) return { status: 'False', reason: 'BudgetExhausted', message };
  const actions = live.flatMap(({ object }) =>
    object === undefined || object.spec.suspend
      ? []
      : [{ kind: 'SuspendStage' as const, name: object.metadata.name, suspend: true }],
  );
  return { actions, status: 'Unknown', reason: 'StageRunning', message: `${message}; running stages save and end` };
}

/** A stage without work takes the new spec, any other the fields that do not decide its result. */
function updateWaitingStages(situation: PipelineSituation): Verdict | undefined {
  const changed = situation.views.find(
    ({ object, desired, succeeded }) =>
      object !== undefined &&
      desired !== undefined &&
      succeeded?.status !== 'True' &&
      !sameContent(object.spec, desired.spec),
  );
  if (changed?.object === undefined || changed.desired === undefined) return undefined;
  const stage: R1Stage = { ...changed.object, spec: changed.desired.spec };
  return updateStage(situation, stage, `stage ${changed.stage.name} takes new settings`);
}

function updateStage(situation: PipelineSituation, stage: R1Stage, message: string): Verdict {
  const update = {
    actions: [{ kind: 'UpdateStage', stage, why: message }],
    status: 'Unknown',
    reason: 'StageRunning',
    message,
  } as const;
  return waitAfterRefusal(situation) ?? update;
}

/** Asking at once again would be refused again. */
function waitAfterRefusal({ observed: { now, refusal } }: PipelineSituation): Verdict | undefined {
  if (refusal === undefined || refusal.until <= now) return undefined;
  const { message, until } = refusal;
  return { status: 'Unknown', reason: 'Pending', message, recheckAfterMs: until - now };
}

function startReadyStages({ observed, views }: PipelineSituation): Verdict | undefined {
  const room = observed.maxRunningStages - views.filter(isLive).length;
  const ready = views.filter(({ object, desired }) => object === undefined && desired !== undefined);
  const actions = ready
    .slice(0, Math.max(0, room))
    .flatMap(({ desired }) => (desired === undefined ? [] : [{ kind: 'CreateStage' as const, stage: desired }]));
  if (actions.length === 0) return undefined;
  const names = actions.map(({ stage }) => stage.spec.stage).join(', ');
  return { actions, status: 'Unknown', reason: 'StageRunning', message: `stage ${names} is next` };
}

function waitForLiveStages({ views }: PipelineSituation): Verdict | undefined {
  const live = views.filter(isLive);
  if (live.length === 0) return undefined;
  const message = live
    .map(({ stage, succeeded }) => `stage ${stage.name}: ${succeeded?.message ?? 'is new'}`)
    .join('; ');
  return { status: 'Unknown', reason: 'StageRunning', message };
}

function waitForApproval({ views }: PipelineSituation): Verdict | undefined {
  const waiting = views.filter(({ gate }) => gate?.action === 'Waiting');
  if (waiting.length === 0) return undefined;
  const message = waiting.map(({ stage, gate }) => `gate of stage ${stage.name}: ${gate?.message}`).join('; ');
  return { status: 'Unknown', reason: 'WaitingForApproval', message };
}
