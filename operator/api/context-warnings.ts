import { lengthWarning } from '../../trainer/contract/settings/context-length.ts';
import type { BaseModel } from '../../trainer/contract/settings/model.ts';
import type { PipelineStage } from './resources/pipeline-stage.ts';
import type { R1Pipeline } from './resources/pipeline.ts';
import { formatPath } from './check/value-problem.ts';

/** Stages that sample longer completions than a fresh model holds: path and sentence. Of other models their files say it. */
export function contextWarnings(pipeline: R1Pipeline): string[] {
  return pipeline.spec.stages.flatMap((stage, at) => {
    const { init } = sourceOf(stage, pipeline) ?? {};
    const warning = init && lengthWarning(stage, init.maxLength);
    return warning ? [`${formatPath(['spec', 'stages', at, ...warning.path])}: ${warning.message}`] : [];
  });
}

/** Where the sizes of a stage's model come from: up the stages that each starts from. */
function sourceOf({ model }: PipelineStage, pipeline: R1Pipeline): Partial<BaseModel> | undefined {
  if (model?.from === undefined) return model ?? pipeline.spec.base;
  const other = pipeline.spec.stages.find(({ name }) => name === model.from);
  return other && sourceOf(other, pipeline);
}
