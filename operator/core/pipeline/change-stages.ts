import { annotations } from '../../api/resources/metadata.ts';
import type { R1Stage } from '../../api/resources/stage.ts';
import { askFor } from '../asked-for.ts';
import { describeChange } from '../describe-change.ts';
import { hasRoomFor, isLive, liveReason } from './live-stages.ts';
import type { PipelineAction, Verdict } from './pipeline-decision.ts';
import type { PipelineSituation } from './pipeline-situation.ts';
import { inputStages } from './plan.ts';
import { judgeChange, sameSpec } from '../settings-digest.ts';

/** Stages that somebody has changed by hand; before any of their new settings is looked at. */
export function putStagesBack(situation: PipelineSituation): PipelineAction[] {
  if (waitAfterRefusal(situation) !== undefined) return [];
  return situation.views.flatMap(({ stage: { name }, object, isPutBack }) => {
    if (object === undefined || !isPutBack) return [];
    const why = `stage ${name} was changed by hand; what its pipeline asks for is put back`;
    return [{ kind: 'UpdateStage' as const, stage: object, why }];
  });
}

/**
 * A finished stage is measured as its manifest asks by now, or gets the further steps that it asks for. Its output may move
 * to the directory of another attempt, so whoever reads it comes to an end first.
 */
export function goOnWithFinishedStages(situation: PipelineSituation): Verdict | undefined {
  const { pipeline, views } = situation;
  const live = views.filter(isLive);
  for (const { stage, object, desired, succeeded } of views) {
    if (succeeded?.status !== 'True' || object === undefined || desired === undefined) continue;
    const change = judgeChange(object.spec, desired.spec);
    if (change.kind === 'none' || live.some((each) => inputStages(each.stage, pipeline).includes(stage.name))) continue;
    if (!hasRoomFor(stage.name, situation)) continue;
    const what = change.kind === 'longer' ? 'is made longer' : 'is measured anew, its output stays';
    const message = `stage ${stage.name} ${what} (${describeChange(object.spec, desired.spec)})`;
    return updateStage(situation, askFor(object, desired), message);
  }
  return undefined;
}

/** Whoever corrects the manifest of a failed stage wants it tried again: what failed before no longer counts. */
export function retryCorrectedStages(situation: PipelineSituation): Verdict | undefined {
  const corrected = situation.views.find(
    ({ stage, desired, isCorrected }) => isCorrected && desired !== undefined && hasRoomFor(stage.name, situation),
  );
  const { stage: { name } = {}, object, desired } = corrected ?? {};
  if (object === undefined || desired === undefined) return undefined;
  const stage = askFor(object, desired);
  const { metadata, status } = stage;
  const forgiven = { [annotations.forgiven]: String(status?.attempts.at(-1)?.number ?? 0) };
  const tried: R1Stage = { ...stage, metadata: { ...metadata, annotations: { ...metadata.annotations, ...forgiven } } };
  const message = `stage ${name} is tried again with the settings that are asked for now`;
  return updateStage(situation, tried, message);
}

/** A stage without work takes the new spec, any other the fields that do not decide its result. */
export function updateWaitingStages(situation: PipelineSituation): Verdict | undefined {
  const changed = situation.views.find(
    ({ object, desired, succeeded }) =>
      object !== undefined &&
      desired !== undefined &&
      succeeded?.status !== 'True' &&
      !sameSpec(object.spec, desired.spec),
  );
  if (changed?.object === undefined || changed.desired === undefined) return undefined;
  return updateStage(
    situation,
    askFor(changed.object, changed.desired),
    `stage ${changed.stage.name} takes new settings`,
  );
}

/** As many of the stages that rest as there is room for. */
export function resumeStages(situation: PipelineSituation): Verdict | undefined {
  const resumed: string[] = [];
  const actions: PipelineAction[] = [];
  for (const { stage, object } of situation.views) {
    if (object === undefined || !object.spec.suspend || !hasRoomFor(stage.name, situation, resumed)) continue;
    resumed.push(stage.name);
    actions.push({ kind: 'SuspendStage', name: object.metadata.name, suspend: false });
  }
  if (actions.length === 0) return undefined;
  return { actions, status: 'Unknown', reason: liveReason(situation), message: `${resumed.join(', ')} resumed` };
}

function updateStage(situation: PipelineSituation, stage: R1Stage, message: string): Verdict {
  const update = {
    actions: [{ kind: 'UpdateStage', stage, why: message }],
    status: 'Unknown',
    reason: liveReason(situation),
    message,
  } as const;
  return waitAfterRefusal(situation) ?? update;
}

/** Asking at once again would be refused again. */
export function waitAfterRefusal({ observed: { now, refusal } }: PipelineSituation): Verdict | undefined {
  if (refusal === undefined || refusal.until <= now) return undefined;
  const { message, until, passes } = refusal;
  return { status: 'Unknown', reason: passes ? 'Pending' : 'Refused', message, recheckAfterMs: until - now };
}
