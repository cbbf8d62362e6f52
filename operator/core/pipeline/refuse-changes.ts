import { succeededStatus } from '../../api/resources/conditions.ts';
import type { R1Pipeline } from '../../api/resources/pipeline.ts';
import type { R1Stage, StageSpec } from '../../api/resources/stage.ts';
import { isChangedByHand } from '../asked-for.ts';
import { describeChange } from '../describe-change.ts';
import type { Verdict } from './pipeline-decision.ts';
import { hasWork, type PipelineSituation } from './pipeline-situation.ts';
import { stagesAfter } from './plan.ts';
import { hasOtherInputs, judgeChange, sameSpec } from '../settings-digest.ts';

/**
 * Work that does not fit the manifest any more is thrown away by a person alone. That is said before anything is spent on
 * inputs which it would not fit either.
 */
export function refuseChangedStages({ pipeline, views }: PipelineSituation): Verdict | undefined {
  const changed = views.flatMap(({ stage, object, desired: known, expected }) => {
    // One that was changed by hand is put back once its inputs are there.
    const desired = known ?? (object && isChangedByHand(object) ? undefined : expected);
    if (object === undefined || desired === undefined || !hasWork(object)) return [];
    if (sameSpec(object.spec, desired.spec) && !isChangedByHand(object)) return [];
    // What was changed by hand is put back where its work allows that.
    const change = isChangedByHand(object) ? { kind: 'other' as const } : judgeChange(object.spec, desired.spec);
    return change.kind === 'other'
      ? [{ name: stage.name, object, desired, because: 'because' in change ? change.because : undefined }]
      : [];
  });
  const [first] = changed;
  if (first === undefined) return undefined;
  const { name, object, desired, because } = first;
  const changes = describeChange(object.spec, desired.spec);
  const longer = because === undefined ? '' : `, and a longer run would be another one: ${because}`;
  const others = changed.slice(1).map((each) => each.name);
  const alike = others.length === 0 ? '' : `; ${others.join(', ')} changed, too`;
  const again = runAgain(pipeline, firstsOf(pipeline, [name, ...others]));
  const message = hasOtherInputs(object.spec, desired.spec)
    ? `stage ${name} has ${stateOf(object)} with what its inputs gave before (${changes})${alike}; ${again}`
    : `stage ${name} has ${stateOf(object)} with other settings (${changes})${longer}${alike}; restore them, ${again}`;
  return { status: 'False', reason: 'StageChanged', message, refused: [name, ...others] };
}

/** Those of some stages that use nothing of the others. */
function firstsOf(pipeline: R1Pipeline, names: readonly string[]): string[] {
  return names.filter((name, at) => !stagesAfter(pipeline, names.slice(0, at)).includes(name));
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
      `${stateOf(later.object)} with what it gave before; restore its settings, ${runAgain(pipeline, [later.stage.name])}`;
    return { status: 'False', reason: 'StageChanged', message, refused: [stage.name] };
  }
  return undefined;
}

function stateOf({ status }: R1Stage): string {
  return succeededStatus(status?.conditions) === 'True' ? 'finished' : 'begun';
}

function reads({ inputs, model }: StageSpec, stage: string): boolean {
  return model?.input?.stage === stage || inputs.some((input) => input.stage === stage);
}

function runAgain({ metadata }: R1Pipeline, stages: readonly string[]): string {
  const [here, there] = ['--rerun-from', '--from'].map((option) => stages.map((name) => `${option} ${name}`).join(' '));
  const commands = `r1 run FILE ${here}; on a cluster: r1 rerun ${metadata.name} ${there}`;
  return `run again from ${stages.join(' and ')} on (${commands}), or give the pipeline another name`;
}
