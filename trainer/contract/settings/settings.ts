import { z } from 'zod';
import { grpo } from './grpo-settings.ts';
import { type Control, supervisedControls } from './guard.ts';
import { rewardModel } from './reward-model-settings.ts';
import { sample } from './sample-settings.ts';
import { exactlyOne, fraction, name, names, object, positiveInt, withRules } from './schema.ts';
import type { LoraSettings } from './training.ts';
import { evaluation, evaluationRules, rowShape, trainingShape } from './training.ts';

export { grpo, type GrpoSettings } from './grpo-settings.ts';
export { rewardModel, rewardScope, type RewardModelSettings } from './reward-model-settings.ts';
export { sample, type SampleSettings } from './sample-settings.ts';
export type { Control } from './guard.ts';

export const pretrain = object({
  ...trainingShape,
  learningRate: trainingShape.learningRate.default(2e-3),
  data: names.describe('Datasets with completions; the whole text is trained.'),
  steps: positiveInt.describe('Optimizer steps.'),
  batch: positiveInt.default(64).describe('Rows per step.'),
  maxLength: rowShape.maxLength,
  overlong: z
    .enum(['cut', 'drop', 'refuse'])
    .default('cut')
    .describe(
      'What happens with longer rows: only their beginning is trained, they are left out and counted, or the stage ends before its first step.',
    ),
  controls: supervisedControls.optional(),
}).describe('Pre-training: next-token prediction on whole documents.');
export type PretrainSettings = z.infer<typeof pretrain>;

export const sft = object({
  ...trainingShape,
  learningRate: trainingShape.learningRate.default(5e-5),
  schedule: trainingShape.schedule.prefault({ kind: 'cosine' }),
  data: names.describe('Datasets with completions, or sample and review stages.'),
  epochs: positiveInt.default(2).describe('Passes over the data.'),
  batch: positiveInt.default(128).describe('Rows per step.'),
  turns: z
    .enum(['last', 'all'])
    .default('last')
    .describe(
      'Turns of the assistant that are trained: the last of a conversation, or all, each as if it were the last. Where a chat template leaves out earlier thoughts, all costs a document for each turn.',
    ),
  ...rowShape,
  controls: supervisedControls.optional(),
}).describe('Supervised fine-tuning on completions: the stop token is trained, prompt tokens are not.');
export type SftSettings = z.infer<typeof sft>;

export const review = object({
  data: name.describe('The sample stage whose rows are reviewed.'),
  required: z
    .boolean()
    .default(true)
    .describe('The stage waits until people have decided on every row; false: rows pass on, recorded as not reviewed.'),
  secondReader: fraction
    .default(0)
    .describe(
      "Share of the rows that a second person decides on as well, without knowing what the first one did. Cohen's kappa says how far they agree; where they do not, the row waits until one comes round or a third person decides.",
    ),
}).describe('People accept, edit or reject the rows of a sample stage: docs/review.md.');
export type ReviewSettings = z.infer<typeof review>;

export const evaluate = withRules(object({ ...evaluation.shape }).omit({ every: true }), evaluationRules).describe(
  'Measures a model on held-out prompts.',
);
export type EvaluateSettings = z.infer<typeof evaluate>;

export const stageTypes = ['pretrain', 'grpo', 'sft', 'sample', 'rewardModel', 'review', 'evaluate'] as const;
export type StageType = (typeof stageTypes)[number];

/** The settings of one stage: exactly one type. */
export const stageSettingsShape = {
  pretrain: pretrain.optional(),
  grpo: grpo.optional(),
  sft: sft.optional(),
  sample: sample.optional(),
  rewardModel: rewardModel.optional(),
  review: review.optional(),
  evaluate: evaluate.optional(),
};
export const stageSettings = exactlyOne(stageSettingsShape, 'type');
export type StageSettings = z.infer<typeof stageSettings>;

/** The negative controls of a stage, and of which type it is; nothing where it has none. */
export function controlsOf(
  stage: Partial<StageSettings>,
): { readonly type: 'pretrain' | 'sft' | 'grpo'; readonly controls: readonly Control[] } | undefined {
  for (const type of ['pretrain', 'sft', 'grpo'] as const) {
    const controls = stage[type]?.controls;
    if (controls !== undefined) return { type, controls };
  }
  return undefined;
}

/** The adapters that a stage trains; none where it trains all weights, or nothing. */
export function loraOf(stage: StageSettings): LoraSettings | undefined {
  return (stage.pretrain ?? stage.grpo ?? stage.sft ?? stage.rewardModel)?.lora;
}

function ofRewardModel({ rewardModel: settings }: StageSettings): readonly string[] | undefined {
  return settings?.pairs ?? settings?.labelled;
}

/** Names of the data that a stage learns, samples or reviews: of datasets and of stages that write rows. */
export function dataOf(stage: StageSettings): readonly string[] {
  const learned = stage.pretrain?.data ?? stage.grpo?.prompts ?? stage.sft?.data ?? ofRewardModel(stage);
  return learned ?? stage.sample?.prompts ?? (stage.review === undefined ? [] : [stage.review.data]);
}
