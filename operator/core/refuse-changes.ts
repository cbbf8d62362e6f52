import { findCondition } from '../api/conditions.ts';
import type { R1Pipeline } from '../api/pipeline.ts';
import type { R1Stage, StageSpec } from '../api/stage.ts';
import { describeChange } from './describe-change.ts';
import { sameContent } from './names.ts';
import type { Verdict } from './pipeline-decision.ts';
import { hasWork, type PipelineSituation } from './pipeline-situation.ts';
import { hasOtherInputs, judgeChange } from './settings-digest.ts';

/** Work that does not fit the manifest any more is thrown away by a person alone. */
export function refuseChangedStages({ pipeline, views }: PipelineSituation): Verdict | undefined {
  for (const { stage, object, desired } of views) {
    if (object === undefined || desired === undefined || !hasWork(object)) continue;
    if (sameContent(object.spec, desired.spec)) continue;
    const change = judgeChange(object.spec, desired.spec);
    if (change.kind !== 'other') continue;
    const changes = describeChange(object.spec, desired.spec);
    const longer = change.because === undefined ? '' : `, and a longer run would be another one: ${change.because}`;
    const message = hasOtherInputs(object.spec, desired.spec)
      ? `stage ${stage.name} has ${stateOf(object)} with what its inputs gave before (${changes}); ${runAgain(pipeline, stage.name)}`
      : `stage ${stage.name} has ${stateOf(object)} with other settings (${changes})${longer}; restore them, ${runAgain(pipeline, stage.name)}`;
    return { status: 'False', reason: 'StageChanged', message, refused: stage.name };
  }
  return undefined;
}

/** A finished stage with further steps gives another output, which does not fit what later stages made of the one before. */
export function refuseToGoOnBelowOthers({ pipeline, views }: PipelineSituation): Verdict | undefined {
  for (const { stage, object, desired, succeeded } of views) {
    if (succeeded?.status !== 'True' || object === undefined || desired === undefined) continue;
    if (judgeChange(object.spec, desired.spec).kind !== 'longer') continue;
    const later = views.find((each) => each.object && hasWork(each.object) && reads(each.object.spec, stage.name));
    if (later?.object === undefined) continue;
    const message =
      `stage ${stage.name} would go on (${describeChange(object.spec, desired.spec)}), but ${later.stage.name} has ` +
      `${stateOf(later.object)} with what it gave before; restore its settings, ${runAgain(pipeline, later.stage.name)}`;
    return { status: 'False', reason: 'StageChanged', message, refused: stage.name };
  }
  return undefined;
}

function stateOf({ status }: R1Stage): string {
  return findCondition(status?.conditions, 'Succeeded')?.status === 'True' ? 'finished' : 'begun';
}

function reads({ inputs, model }: StageSpec, stage: string): boolean {
  return model?.input?.stage === stage || inputs.some((input) => input.stage === stage);
}

function runAgain({ metadata }: R1Pipeline, stage: string): string {
  const commands = `r1 run FILE --rerun-from ${stage}; on a cluster: r1 rerun ${metadata.name} --from ${stage}`;
  return `run again from ${stage} on (${commands}), or give the pipeline another name`;
}
