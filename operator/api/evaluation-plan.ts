import type { DatasetSettings } from '../../trainer/contract/settings/dataset.ts';
import { dataOf } from '../../trainer/contract/settings/settings.ts';
import { evaluation, type EvaluationSettings, warningOfTrainedOn } from '../../trainer/contract/settings/training.ts';
import type { R1Pipeline } from './resources/pipeline.ts';
import { stageType, type PipelineStage } from './resources/pipeline-stage.ts';

/** Its output is a model that others can start from. */
export function givesPolicy(stage: PipelineStage): boolean {
  return ['pretrain', 'grpo', 'sft'].includes(stageType(stage));
}

/**
 * How a stage that gives a policy is measured: by its own evaluation, else by that of the defaults, else on every dataset
 * with held-out rows that its prompts come from.
 */
export function evaluationOf(stage: PipelineStage, pipeline: R1Pipeline): EvaluationSettings | undefined {
  if (stage.evaluation !== undefined) return stage.evaluation;
  if (!givesPolicy(stage)) return undefined;
  return pipeline.spec.defaults.evaluation ?? evaluationOfPrompts(stage, pipeline);
}

/**
 * Evaluated datasets that have no held-out rows, and whose rows this or an earlier stage learns or samples from. One that
 * nobody learns from is held out as a whole.
 */
export function trainedOn(stage: PipelineStage, pipeline: R1Pipeline): string[] {
  return learnedWhole((stage.evaluate ?? evaluationOf(stage, pipeline))?.data ?? [], stage, pipeline);
}

/** Of these datasets those that have no held-out rows, and whose rows this or an earlier stage learns or samples from. */
export function learnedWhole(names: readonly string[], stage: PipelineStage, pipeline: R1Pipeline): string[] {
  const { stages } = pipeline.spec;
  const upToHere = stages.slice(0, stages.findIndex(({ name }) => name === stage.name) + 1);
  const learned = new Set(upToHere.flatMap(dataOf));
  return names.filter((name) => {
    const dataset = findDataset(pipeline, name);
    return dataset !== undefined && learned.has(name) && !hasHeldOutRows(dataset);
  });
}

/** Rows of the dataset are kept from training. */
export function hasHeldOutRows({ generator, heldOut }: DatasetSettings): boolean {
  return generator === undefined ? heldOut !== undefined : generator.heldOut > 0;
}

/** Its rows are judged by no verifier. */
function isOfRewardModels({ generator }: DatasetSettings): boolean {
  return generator?.task === 'preferences' || generator?.task === 'safety';
}

/** A stage that samples or trains on the rows of another one has that one's prompts. */
function evaluationOfPrompts(stage: PipelineStage, pipeline: R1Pipeline): EvaluationSettings | undefined {
  const data = [...new Set(promptsOf(dataOf(stage), pipeline))].filter((name) => {
    const dataset = findDataset(pipeline, name);
    return dataset !== undefined && hasHeldOutRows(dataset) && !isOfRewardModels(dataset);
  });
  if (data.length === 0) return undefined;
  const { sampling } = stage.grpo ?? {};
  return evaluation.parse({ data: data.slice(0, 16), ...(sampling && { sampling }) });
}

function promptsOf(names: readonly string[], pipeline: R1Pipeline): string[] {
  return names.flatMap((name) => {
    const stage = pipeline.spec.stages.find((each) => each.name === name);
    return stage === undefined ? [name] : promptsOf(dataOf(stage), pipeline);
  });
}

function findDataset({ spec }: R1Pipeline, name: string): DatasetSettings | undefined {
  return spec.datasets.find((each) => each.name === name);
}

/** What a person should know of a pipeline that is valid: path and sentence. */
export function evaluationWarnings(pipeline: R1Pipeline): string[] {
  return pipeline.spec.stages.flatMap((stage, at) => {
    const names = trainedOn(stage, pipeline);
    return names.length === 0 ? [] : [`spec.stages[${at}]: ${warningOfTrainedOn(names)}`];
  });
}
