import { z } from 'zod';
import { chat } from '../../../trainer/contract/settings/chat.ts';
import { modelInit, modelSourceShape } from '../../../trainer/contract/settings/model.ts';
import { exactlyOneRule, name, object, withRules } from '../../../trainer/contract/settings/schema.ts';
import { stageSettingsShape, stageTypes, type StageType } from '../../../trainer/contract/settings/settings.ts';
import { evaluation, precision } from '../../../trainer/contract/settings/training.ts';
import { budget, placementShape } from './scheduling.ts';

const modelShape = {
  from: name.optional().describe('An earlier pretrain, grpo or sft stage.'),
  ...modelSourceShape,
  init: modelInit.optional().describe('A fresh model with random weights, such as a student for distillation.'),
};

const stageModel = withRules(object(modelShape), [exactlyOneRule(Object.keys(modelShape), 'source')]);

const metricName = z
  .string()
  .min(1)
  .max(100)
  .regex(/^[A-Za-z0-9_@/.-]+$/);
const bound = z.number().min(-1e12).max(1e12);
const confidence = z.number().min(0.5).max(0.9999);
const minPrompts = z.int().min(2).max(1_000_000);

export const gate = withRules(
  object({
    metric: metricName.optional().describe("A metric of the stage's result, such as eval/pass@1."),
    atLeast: bound.optional().describe('The metric must not be smaller.'),
    atMost: bound.optional().describe('The metric must not be greater.'),
    notBelow: object({
      stage: name.describe('An earlier stage with the same metric.'),
      by: z.number().min(0).max(1e12).default(0).describe('Tolerated loss.'),
    })
      .optional()
      .describe('The metric must not be smaller than that of another stage.'),
    confidence: confidence
      .optional()
      .describe(
        'The bound must be kept by the whole interval of this confidence, such as 0.95, and not by the figure alone; with notBelow by that of the difference.',
      ),
    minPrompts: minPrompts.optional().describe('A figure of fewer held-out prompts does not pass.'),
    approval: z
      .literal(true)
      .optional()
      .describe('A person decides: stages that need this one wait until the annotation r1.dev/approved names it.'),
    onFailure: z
      .enum(['Stop', 'Continue', 'Rollback', 'Wait'])
      .default('Stop')
      .describe(
        'Stop: the pipeline fails. Continue: recorded, nothing else. Rollback: later stages use the model of notBelow.stage, else the model that this stage started from. Wait: stages that need this one wait until a person approves, and says why.',
      ),
  }),
  [
    exactlyOneRule(['atLeast', 'atMost', 'notBelow', 'approval'], 'bound'),
    {
      rule: 'has(self.metric) || !(has(self.atLeast) || has(self.atMost) || has(self.notBelow))',
      message: 'metric must be set, unless a person decides',
    },
    {
      rule: '!has(self.approval) || !(has(self.confidence) || has(self.minPrompts))',
      message: 'confidence and minPrompts are of a bound, and no person is asked for one',
    },
    {
      rule: "!has(self.approval) || self.onFailure in ['Stop', 'Wait']",
      message: 'approval always waits for a person, whatever onFailure says: leave onFailure out',
    },
  ],
);
export type Gate = z.infer<typeof gate>;

const requirement = withRules(
  object({
    stage: name.describe('An earlier stage.'),
    metric: metricName.describe('A metric of its result, such as eval/pass@1, eval/format_rate or kept.'),
    atLeast: bound.optional().describe('The metric must not be smaller.'),
    atMost: bound.optional().describe('The metric must not be greater.'),
    confidence: confidence
      .optional()
      .describe('The bound must be kept by the whole interval of this confidence, and not by the figure alone.'),
    minPrompts: minPrompts.optional().describe('A figure of fewer held-out prompts does not do.'),
  }),
  [exactlyOneRule(['atLeast', 'atMost'], 'bound')],
);

/** What runs a stage besides its settings; the same in a pipeline's stage and in an R1Stage. */
export const stageRuntimeShape = {
  chat: chat
    .optional()
    .describe('How this stage puts prompts and ends completions; each field goes before that of defaults.'),
  evaluation: evaluation.optional().describe('Held-out evaluation of this stage, instead of that of defaults.'),
  precision: precision.optional(),
  ...placementShape,
  rolloutWorkers: z
    .int()
    .min(0)
    .max(1024)
    .default(0)
    .describe(
      'Further pods, or processes on one machine, that only generate completions. They change time and nothing else, unless grpo.rollout accepts a mismatch.',
    ),
  budget: budget.optional().describe('What this stage may spend; the pipeline has a budget of its own.'),
  deadlineSeconds: z
    .int()
    .min(1)
    .max(1_000_000_000)
    .optional()
    .describe('The stage fails when its attempts have run for longer, waiting not counted.'),
  startDeadlineSeconds: z
    .int()
    .min(1)
    .max(1_000_000_000)
    .optional()
    .describe(
      'The stage fails when an attempt has not begun to run after so long, as no node, image or volume is there for it or its queue lets it wait; it waits for ever when absent.',
    ),
};

export const pipelineStage = withRules(
  object({
    name: name.describe('Name of the stage, unique among stages and datasets.'),
    model: stageModel.optional().describe('The model that the stage starts from; spec.base when absent.'),
    ...stageSettingsShape,
    requires: z
      .array(requirement)
      .min(1)
      .max(16)
      .optional()
      .describe(
        'What earlier stages must have come to before this one begins; where one has not, the pipeline fails, and this stage has spent nothing.',
      ),
    gate: gate.optional().describe('What the result must reach before other stages use it.'),
    ...stageRuntimeShape,
  }),
  [
    exactlyOneRule(stageTypes, 'type'),
    { rule: '!(has(self.review) && has(self.model))', message: 'a review stage uses no model' },
    {
      rule: "!has(self.gate) || self.gate.onFailure != 'Rollback' || has(self.pretrain) || has(self.grpo) || has(self.sft)",
      message: 'gate.onFailure: Rollback needs a stage whose model others can use: pretrain, grpo or sft',
    },
  ],
);
export type PipelineStage = z.infer<typeof pipelineStage>;

/** Which of the stage types is set. */
export function stageType(stage: { readonly [type in StageType]?: unknown }): StageType {
  const type = stageTypes.find((each) => stage[each] !== undefined);
  if (type === undefined) throw new Error(`stage without a type: ${JSON.stringify(stage)}`);
  return type;
}
