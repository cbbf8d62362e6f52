import { tellsApart } from '../../../trainer/contract/settings/digest-version.ts';
import { annotations } from '../../api/resources/metadata.ts';
import type { PipelineStage } from '../../api/resources/pipeline-stage.ts';
import type { R1Pipeline } from '../../api/resources/pipeline.ts';
import type { FileContents, R1Stage, ResolvedModel, StageInput } from '../../api/resources/stage.ts';
import { resolveStage } from './plan.ts';

/**
 * What a stage that there is would be asked now, whatever becomes of its inputs: those count as what they were when it was
 * made, since they may have to be made again first.
 */
export function expectStage(
  pipeline: R1Pipeline,
  stage: PipelineStage,
  object: R1Stage,
  contents?: FileContents,
): R1Stage {
  return resolveStage(pipeline, stage, formerOutputs(pipeline, object), contents);
}

/** Its pipeline asks for something else of it than when it made it. */
export function isCorrected(object: R1Stage, expected: R1Stage): boolean {
  const [before, now] = [object, expected].map(({ metadata }) => metadata.annotations?.[annotations.askedFor]);
  return tellsApart(before, now);
}

function formerOutputs({ spec }: R1Pipeline, object: R1Stage) {
  const { inputs, model } = object.spec;
  const rollsBack = (name: string) => spec.stages.find((each) => each.name === name)?.gate?.onFailure === 'Rollback';
  return {
    // After a rollback it is the model of another stage, or of none.
    model: (name: string): ResolvedModel =>
      model !== undefined && (model.input?.stage === name || rollsBack(name)) ? model : { input: notMade(name) },
    data: (name: string): StageInput => inputs.find((each) => each.stage === name) ?? notMade(name),
  };
}

/** What a stage will give that its later ones have known nothing of. */
function notMade(stage: string): StageInput {
  return { stage, path: '', digest: 'not made yet' };
}
