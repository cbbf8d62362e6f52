import { findCondition, setCondition, type Condition, type NewCondition, type Reason } from '../api/conditions.ts';
import { displayPipeline, stateOf } from '../api/display.ts';
import { annotations } from '../api/metadata.ts';
import type { GateDecision, PipelineStatus, R1Pipeline } from '../api/pipeline.ts';
import { stageType, type PipelineStage } from '../api/pipeline-stage.ts';
import type { R1Stage, ResolvedModel, StageInput } from '../api/stage.ts';
import { timestamp } from './attempts.ts';
import { exhausted } from './budget.ts';
import { judgeGate } from './gate.ts';
import { digestOf } from './names.ts';
import type { PipelineObserved } from './observed.ts';
import {
  describeChange,
  givesPolicy,
  inputStages,
  resolveStage,
  settingsDigest,
  startingModel,
  type Outputs,
} from './plan.ts';

export type PipelineAction =
  | { readonly kind: 'CreateStage'; readonly stage: R1Stage }
  /** The spec of a stage whose work has not begun, or fields that do not decide its result. */
  | { readonly kind: 'UpdateStage'; readonly stage: R1Stage }
  /** A stage whose attempts must end, as the pipeline's budget is spent, or all of them by the user's wish. */
  | { readonly kind: 'SuspendStage'; readonly name: string; readonly suspend: boolean };

export interface PipelineDecision {
  readonly actions: readonly PipelineAction[];
  readonly status: PipelineStatus;
}

/** One stage of the spec with what is known about it. */
interface StageView {
  readonly stage: PipelineStage;
  readonly object: R1Stage | undefined;
  readonly succeeded: Condition | undefined;
  readonly gate: GateDecision | undefined;
  /** Finished, and nothing forbids others to use it. */
  readonly usable: boolean;
  /** What it would be asked now; absent while inputs are missing. */
  readonly desired: R1Stage | undefined;
}

interface Situation {
  readonly observed: PipelineObserved;
  readonly pipeline: R1Pipeline;
  readonly views: readonly StageView[];
  readonly spent: { readonly runSeconds: number; readonly gpuHours: number };
}

interface Verdict {
  readonly actions?: readonly PipelineAction[];
  readonly status: Condition['status'];
  readonly reason: Reason;
  readonly message: string;
}

type Rule = (situation: Situation) => Verdict | undefined;

const rules: readonly Rule[] = [
  refuseChangedStages, // finished work is never thrown away silently
  completeWhenAllSucceeded,
  suspendStages, // the user's word comes before any progress
  failWithFailedStage, // nothing new starts after a failure
  failAtClosedGate,
  stopWhenBudgetIsSpent,
  resumeStages,
  updateWaitingStages,
  startReadyStages,
  waitForLiveStages,
  waitForApproval,
];

/** Chooses the next step of one pipeline; pure, like `decideStage`. */
export function decidePipeline(observed: PipelineObserved): PipelineDecision {
  const situation = survey(observed);
  for (const rule of rules) {
    const verdict = rule(situation);
    if (verdict !== undefined) return { actions: verdict.actions ?? [], status: pipelineStatus(situation, verdict) };
  }
  throw new Error(`no rule fits pipeline ${observed.pipeline.metadata.name}`);
}

function survey(observed: PipelineObserved): Situation {
  const { now, pipeline, stages } = observed;
  const views = new Map<string, StageView>();
  const approved = new Set(
    (pipeline.metadata.annotations?.[annotations.approved] ?? '').split(',').map((each) => each.trim()),
  );
  const outputs: Outputs = {
    model: (name) => modelAfterGate(name, views, pipeline, outputs),
    data: (name) => outputOf(views.get(name)),
  };

  // Stages name only earlier ones, so that one pass in the order of the spec sees every input first.
  for (const stage of pipeline.spec.stages) {
    const object = stages.find(({ spec }) => spec.stage === stage.name);
    const succeeded = findCondition(object?.status?.conditions, 'Succeeded');
    const finished = succeeded?.status === 'True';
    const gate = finished ? gateOf(stage, object, views, pipeline, approved.has(stage.name), now) : undefined;
    const undecided = stage.gate !== undefined && gate === undefined;
    const closed = gate?.action === 'Stopped' || gate?.action === 'Waiting';
    const ready = inputStages(stage, pipeline).every((name) => views.get(name)?.usable);
    views.set(stage.name, {
      stage,
      object,
      succeeded,
      gate,
      usable: finished && !undecided && !closed,
      desired: ready ? resolveStage(pipeline, stage, outputs) : undefined,
    });
  }
  const all = [...views.values()];
  const sum = (pick: (object: R1Stage) => number | undefined): number =>
    all.reduce((total, { object }) => total + ((object && pick(object)) ?? 0), 0);
  return {
    observed,
    pipeline,
    views: all,
    spent: { runSeconds: sum(({ status }) => status?.runSeconds), gpuHours: sum(({ status }) => status?.gpuHours) },
  };
}

function gateOf(
  stage: PipelineStage,
  object: R1Stage | undefined,
  views: ReadonlyMap<string, StageView>,
  pipeline: R1Pipeline,
  approved: boolean,
  now: number,
): GateDecision | undefined {
  if (stage.gate === undefined) return undefined;
  const otherName = stage.gate.notBelow?.stage;
  const other = otherName === undefined ? undefined : views.get(otherName);
  // Compared with a stage that is not finished yet: decided once it is.
  if (other !== undefined && other.succeeded?.status !== 'True') return undefined;
  const known = pipeline.status?.gates.find((each) => each.stage === stage.name);
  const rollbackTo = other !== undefined && givesPolicy(other.stage) ? other.stage.name : stage.model?.from;
  const gated = { ...stage, gate: stage.gate };
  return judgeGate(gated, judged(object), other && judged(other.object), known, approved, rollbackTo, now);
}

function judged(object: R1Stage | undefined) {
  return { metrics: object?.status?.metrics ?? {}, digest: object?.status?.checkpoint?.digest };
}

function outputOf(view: StageView | undefined): StageInput {
  const checkpoint = view?.object?.status?.checkpoint;
  if (view === undefined || checkpoint === undefined) throw new Error(`stage ${view?.stage.name} has no output`);
  return { stage: view.stage.name, path: checkpoint.path, digest: checkpoint.digest };
}

function modelAfterGate(
  name: string,
  views: ReadonlyMap<string, StageView>,
  pipeline: R1Pipeline,
  outputs: Outputs,
): ResolvedModel {
  const view = views.get(name);
  if (view?.gate?.action !== 'RolledBack') return { input: outputOf(view) };
  const { uses } = view.gate;
  const model = uses === undefined ? startingModel(view.stage, pipeline, outputs) : outputs.model(uses);
  if (model === undefined) throw new Error(`stage ${name} started from no model`);
  return model;
}

function refuseChangedStages({ views }: Situation): Verdict | undefined {
  for (const { stage, object, desired } of views) {
    if (object === undefined || desired === undefined || !hasWork(object)) continue;
    if (settingsDigest(object.spec) === settingsDigest(desired.spec)) continue;
    const state = findCondition(object.status?.conditions, 'Succeeded')?.status === 'True' ? 'finished' : 'begun';
    const message =
      `stage ${stage.name} has ${state} with other settings (${describeChange(object.spec, desired.spec)}); ` +
      `restore them, run again from ${stage.name} on, or give the pipeline another name`;
    return { status: 'False', reason: 'StageChanged', message };
  }
  return undefined;
}

/** Something is being made, or was made, that another spec would throw away. */
function hasWork({ status }: R1Stage): boolean {
  if (findCondition(status?.conditions, 'Succeeded')?.status === 'True') return true;
  return status?.attempts.at(-1)?.outcome === 'Running' || (status?.progress?.step ?? 0) > 0;
}

function suspendStages({ pipeline, views }: Situation): Verdict | undefined {
  if (!pipeline.spec.suspend) return undefined;
  const actions = views.flatMap(({ object, succeeded }) =>
    object !== undefined && !object.spec.suspend && (succeeded?.status ?? 'Unknown') === 'Unknown'
      ? [{ kind: 'SuspendStage' as const, name: object.metadata.name, suspend: true }]
      : [],
  );
  return { actions, status: 'Unknown', reason: 'Suspended', message: 'suspended by spec.suspend' };
}

function resumeStages({ views }: Situation): Verdict | undefined {
  const actions = views.flatMap(({ object }) =>
    object?.spec.suspend ? [{ kind: 'SuspendStage' as const, name: object.metadata.name, suspend: false }] : [],
  );
  if (actions.length === 0) return undefined;
  return { actions, status: 'Unknown', reason: 'StageRunning', message: 'resumed' };
}

function failWithFailedStage(situation: Situation): Verdict | undefined {
  const failed = situation.views.find(({ succeeded }) => succeeded?.status === 'False');
  if (failed?.succeeded === undefined) return undefined;
  const message = `stage ${failed.stage.name} failed (${failed.succeeded.reason}): ${failed.succeeded.message}`;
  return failOnceQuiet(situation, 'StageFailed', message);
}

function failAtClosedGate(situation: Situation): Verdict | undefined {
  const closed = situation.views.find(({ gate }) => gate?.action === 'Stopped');
  if (closed?.gate === undefined) return undefined;
  return failOnceQuiet(
    situation,
    'GateFailed',
    `the gate of stage ${closed.stage.name} failed: ${closed.gate.message}`,
  );
}

/** Stages that still run may end; the pipeline has failed when they have. */
function failOnceQuiet({ views }: Situation, reason: Reason, message: string): Verdict {
  const live = views.filter(isLive);
  if (live.length === 0) return { status: 'False', reason, message };
  const names = live.map(({ stage }) => stage.name).join(', ');
  return { status: 'Unknown', reason: 'StageRunning', message: `${message}; ${names} may still end` };
}

function completeWhenAllSucceeded({ views }: Situation): Verdict | undefined {
  if (!views.every(({ usable }) => usable)) return undefined;
  const notes = views.flatMap(({ stage, gate }) =>
    gate === undefined || gate.passed ? [] : [`; gate of ${stage.name}: ${gate.message}`],
  );
  const message = `all ${views.length} stages have succeeded${notes.join('')}`;
  return { status: 'True', reason: 'Completed', message };
}

function stopWhenBudgetIsSpent({ pipeline, views, spent }: Situation): Verdict | undefined {
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
function updateWaitingStages({ views }: Situation): Verdict | undefined {
  const changed = views.find(
    ({ object, desired, succeeded }) =>
      object !== undefined &&
      desired !== undefined &&
      succeeded?.status !== 'True' &&
      digestOf(object.spec) !== digestOf(desired.spec),
  );
  if (changed?.object === undefined || changed.desired === undefined) return undefined;
  const stage: R1Stage = { ...changed.object, spec: changed.desired.spec };
  const message = `stage ${changed.stage.name} takes new settings`;
  return { actions: [{ kind: 'UpdateStage', stage }], status: 'Unknown', reason: 'StageRunning', message };
}

function startReadyStages({ observed, views }: Situation): Verdict | undefined {
  const room = observed.maxRunningStages - views.filter(isLive).length;
  const ready = views.filter(({ object, desired }) => object === undefined && desired !== undefined);
  const actions = ready
    .slice(0, Math.max(0, room))
    .flatMap(({ desired }) => (desired === undefined ? [] : [{ kind: 'CreateStage' as const, stage: desired }]));
  if (actions.length === 0) return undefined;
  const names = actions.map(({ stage }) => stage.spec.stage).join(', ');
  return { actions, status: 'Unknown', reason: 'StageRunning', message: `stage ${names} is next` };
}

function waitForLiveStages({ views }: Situation): Verdict | undefined {
  const live = views.filter(isLive);
  if (live.length === 0) return undefined;
  const message = live
    .map(({ stage, succeeded }) => `stage ${stage.name}: ${succeeded?.message ?? 'is new'}`)
    .join('; ');
  return { status: 'Unknown', reason: 'StageRunning', message };
}

function waitForApproval({ views }: Situation): Verdict | undefined {
  const waiting = views.filter(({ gate }) => gate?.action === 'Waiting');
  if (waiting.length === 0) return undefined;
  const message = waiting.map(({ stage, gate }) => `gate of stage ${stage.name}: ${gate?.message}`).join('; ');
  return { status: 'Unknown', reason: 'WaitingForApproval', message };
}

/** It exists, has not reached its end, and does not rest suspended. */
function isLive({ object, succeeded }: StageView): boolean {
  if (object === undefined || (succeeded?.status ?? 'Unknown') !== 'Unknown') return false;
  const quiet = object.status?.attempts.at(-1)?.outcome !== 'Running';
  return !(object.spec.suspend && quiet && succeeded?.reason === 'Suspended');
}

function pipelineStatus(situation: Situation, verdict: Verdict): PipelineStatus {
  const { observed, pipeline, views, spent } = situation;
  const { now } = observed;
  const old = pipeline.status;
  const generation = pipeline.metadata.generation;
  const succeeded: NewCondition = {
    type: 'Succeeded',
    status: verdict.status,
    reason: verdict.reason,
    message: verdict.message,
  };
  let conditions = setCondition(old?.conditions ?? [], succeeded, now, generation);
  if (pipeline.spec.suspend || findCondition(conditions, 'Suspended') !== undefined) {
    const suspended: NewCondition = pipeline.spec.suspend
      ? { type: 'Suspended', status: 'True', reason: 'Suspended', message: 'suspended by spec.suspend' }
      : { type: 'Suspended', status: 'False', reason: 'Active', message: '' };
    conditions = setCondition(conditions, suspended, now, generation);
  }
  const started = views.flatMap(({ object }) => object?.status?.startedAt ?? []).toSorted();
  const startedAt = started[0] ?? old?.startedAt;
  const completedAt = verdict.status === 'Unknown' ? undefined : (old?.completedAt ?? timestamp(now));
  const status: PipelineStatus = {
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    conditions,
    gates: views.flatMap(({ gate }) => gate ?? []),
    stages: views.map((view) => summary(view, situation, verdict)),
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(completedAt === undefined ? {} : { completedAt }),
    ...spent,
  };
  const live = views.filter(isLive);
  const shown = live.length > 0 ? live : views.filter(({ succeeded: each }) => each?.status === 'False');
  const measured = views.flatMap(({ object }) => object?.status?.metrics['eval/pass@1'] ?? []);
  return {
    ...status,
    display: displayPipeline(
      status,
      shown.map(({ stage, object }) => ({ name: stage.name, status: object?.status })),
      {
        restarts: views.reduce((sum, { object }) => sum + Math.max(0, (object?.status?.attempts.length ?? 0) - 1), 0),
        queue: pipeline.spec.defaults.queue,
        passAt1: measured.at(-1),
      },
    ),
  };
}

/** One line about a stage, those that have not begun included. */
function summary(view: StageView, { pipeline, views }: Situation, verdict: Verdict): PipelineStatus['stages'][number] {
  const { stage, object, gate, succeeded } = view;
  const base = { name: stage.name, type: stageType(stage) };
  const line = (state: string, message: string) => ({ ...base, state, message: message.slice(0, 1000) });
  if (object !== undefined) {
    const state = gate?.action === 'Waiting' ? 'Waiting' : stateOf(object.status?.conditions);
    return line(state, gate === undefined ? (succeeded?.message ?? '') : `gate: ${gate.message}`);
  }
  if (verdict.status === 'False') return line('Skipped', `not started: ${verdict.message}`);
  const missing = inputStages(stage, pipeline).filter(
    (name) => !views.find((each) => each.stage.name === name)?.usable,
  );
  if (missing.length > 0) return line('Waiting', `waits for ${missing.join(', ')}`);
  return line('Pending', verdict.reason === 'Suspended' ? 'suspended' : 'waits for its turn');
}
