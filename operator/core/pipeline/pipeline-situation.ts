import { type Condition, findCondition, succeededStatus } from '../../api/resources/conditions.ts';
import type { GateDecision, R1Pipeline } from '../../api/resources/pipeline.ts';
import type { PipelineStage } from '../../api/resources/pipeline-stage.ts';
import type { R1Stage, ResolvedModel, StageInput } from '../../api/resources/stage.ts';
import { tellsApart } from '../../../trainer/contract/settings/digest-version.ts';
import { askFor, isChangedByHand } from '../asked-for.ts';
import { openingApproval } from './approval.ts';
import { hasNotEnded, hasResult, spentOn, total, type Spending } from '../attempts.ts';
import { type Entry, judgeEntry } from './entry.ts';
import { expectStage, isCorrected } from './expected-stage.ts';
import { formerSpending } from './former-spending.ts';
import { judgeGate } from './gate.ts';
import type { PipelineObserved } from '../observed.ts';
import { givesPolicy } from '../../api/evaluation-plan.ts';
import { sameSpec, settingsDigest } from '../settings-digest.ts';
import { isStageOf } from '../stage-runs.ts';
import { inputStages, resolveStage, startingModel, type Outputs } from './plan.ts';

/** One stage of the spec with what is known about it. */
export interface StageView {
  readonly stage: PipelineStage;
  /** As it will be once its settings are put back. */
  readonly object: R1Stage | undefined;
  /** It was changed by hand. */
  readonly isPutBack: boolean;
  readonly succeeded: Condition | undefined;
  readonly gate: GateDecision | undefined;
  /** Finished, and nothing forbids others to use it. */
  readonly usable: boolean;
  /** What it would be asked now; absent while inputs are missing. */
  readonly desired: R1Stage | undefined;
  /** The same while inputs are missing: those count as what they were. Absent while there is no stage. */
  readonly expected: R1Stage | undefined;
  /** It has failed, and is tried again as its manifest asks by now, once its inputs are there. */
  readonly isCorrected: boolean;
  /** Whether it may begin. */
  readonly entry: Entry;
}

export interface PipelineSituation {
  readonly observed: PipelineObserved;
  readonly pipeline: R1Pipeline;
  readonly views: readonly StageView[];
  /** Stages that left the manifest. */
  readonly removed: readonly { readonly object: R1Stage; readonly succeeded: Condition | undefined }[];
  /** Up to now, by stages that are gone too. */
  readonly spent: Spending;
  /** By stages that are gone. */
  readonly former: Spending;
  /** What attempts that run spend in a second. */
  readonly rate: Spending;
}

/** Puts everything that the rules look at into one place. */
export function surveyPipeline(observed: PipelineObserved): PipelineSituation {
  const { now, pipeline } = observed;
  const stages = observed.stages.filter((each) => isStageOf(pipeline.metadata.name, each));
  const views = new Map<string, StageView>();
  const outputs: Outputs = {
    model: (name) => modelAfterGate(name, views, pipeline, outputs),
    data: (name) => outputOf(views.get(name)),
  };

  // Stages name only earlier ones, so that one pass in the order of the spec sees every input first.
  for (const stage of pipeline.spec.stages) {
    const ready = inputStages(stage, pipeline).every((name) => views.get(name)?.usable);
    const desired =
      ready && observed.problem === undefined ? resolveStage(pipeline, stage, outputs, observed.contents) : undefined;
    const found = stages.find(({ spec }) => spec.stage === stage.name);
    const isPutBack = found !== undefined && desired !== undefined && isToBePutBack(found, desired);
    const object = isPutBack ? putBack(found, desired) : found;
    const succeeded = conditionOf(object);
    const expected =
      object === undefined || observed.problem !== undefined
        ? undefined
        : (desired ?? expectStage(pipeline, stage, object, observed.contents));
    const finished = succeeded?.status === 'True';
    const gate = finished ? gateOf(stage, object, views, pipeline, now) : undefined;
    const undecided = stage.gate !== undefined && gate === undefined;
    const closed = gate?.action === 'Stopped' || gate?.action === 'Waiting';
    views.set(stage.name, {
      stage,
      object,
      isPutBack,
      succeeded,
      gate,
      usable: finished && hasOutput(object) && !undecided && !closed,
      desired,
      expected,
      isCorrected: succeeded?.status === 'False' && isAskedForOther(object, desired, expected),
      entry: object === undefined ? judgeEntry(stage, (name) => views.get(name)) : { kind: 'open' },
    });
  }
  const spending = stages.filter(({ spec }) => spec.review === undefined);
  const running = spending
    .flatMap(({ status }) => status?.attempts ?? [])
    .filter(({ outcome }) => outcome === 'Running');
  const gpus = running.reduce((sum, each) => sum + each.gpus, 0);
  const former = formerSpending(pipeline.status, observed.stages);
  return {
    observed: { ...observed, stages },
    pipeline,
    views: [...views.values()],
    removed: stages
      .filter(({ spec }) => !views.has(spec.stage))
      .map((object) => ({ object, succeeded: conditionOf(object) })),
    spent: total([former, ...stages.map((object) => spentUntil(now, object))]),
    former,
    rate: { runSeconds: running.length, gpuHours: gpus / 3600 },
  };
}

function isAskedForOther(
  object: R1Stage | undefined,
  desired: R1Stage | undefined,
  expected: R1Stage | undefined,
): boolean {
  if (object === undefined || expected === undefined) return false;
  return desired === undefined ? isCorrected(object, expected) : !sameSpec(object.spec, desired.spec);
}

/** Unless its work was made with something else than its pipeline asks for by now: that is for a person to decide. */
function isToBePutBack(found: R1Stage, desired: R1Stage): boolean {
  if (!isChangedByHand(found)) return false;
  return !hasWork(found) || !tellsApart(found.status?.attempts.at(-1)?.settings, settingsDigest(desired.spec));
}

/** Whether it rests is said apart from its settings. */
function putBack(found: R1Stage, desired: R1Stage): R1Stage {
  const { suspend } = found.spec;
  return askFor(found, { ...desired, spec: { ...desired.spec, suspend } });
}

/** A finished stage that has just got other settings has not finished with them, before its next pass says so. */
function conditionOf(object: R1Stage | undefined): Condition | undefined {
  const succeeded = findCondition(object?.status?.conditions, 'Succeeded');
  const last = object?.status?.attempts.at(-1);
  if (object === undefined || last === undefined || succeeded?.status !== 'True') return succeeded;
  if (last.outcome !== 'Succeeded' || hasResult(object, last)) return succeeded;
  return { ...succeeded, status: 'Unknown', reason: 'Pending', message: 'goes on with other settings' };
}

/** The status of a stage is as old as its newest pass. */
function spentUntil(now: number, stage: R1Stage): Spending {
  const { attempts = [], runSeconds = 0, gpuHours = 0 } = stage.status ?? {};
  const until = spentOn(stage, attempts, now);
  return { runSeconds: Math.max(runSeconds, until.runSeconds), gpuHours: Math.max(gpuHours, until.gpuHours) };
}

function gateOf(
  stage: PipelineStage,
  object: R1Stage | undefined,
  views: ReadonlyMap<string, StageView>,
  pipeline: R1Pipeline,
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
  return judgeGate(
    gated,
    judged(object),
    other && judged(other.object),
    known,
    openingApproval(pipeline, stage),
    rollbackTo,
    now,
  );
}

function judged(object: R1Stage | undefined) {
  return { metrics: object?.status?.metrics ?? {}, digest: object?.status?.checkpoint?.digest };
}

/** An image that is not ours may end well and give nothing. */
function hasOutput(object: R1Stage | undefined): boolean {
  return object?.spec.evaluate !== undefined || object?.status?.checkpoint !== undefined;
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

/** Something is being made, or was made, that another spec would throw away. */
export function hasWork({ status }: R1Stage): boolean {
  if (succeededStatus(status?.conditions) === 'True') return true;
  const newest = status?.attempts.at(-1);
  return (newest !== undefined && hasNotEnded(newest)) || (status?.progress?.step ?? 0) > 0;
}
