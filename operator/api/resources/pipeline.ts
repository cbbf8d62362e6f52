import { z } from 'zod';
import { chat } from '../../../trainer/contract/settings/chat.ts';
import { dataset } from '../../../trainer/contract/settings/dataset.ts';
import { baseModel } from '../../../trainer/contract/settings/model.ts';
import { count, object, withRules } from '../../../trainer/contract/settings/schema.ts';
import { evaluation, precision } from '../../../trainer/contract/settings/training.ts';
import { statusConditions } from './conditions.ts';
import { apiVersion, metadata, time, writtenAsAWhole } from './metadata.ts';
import { pipelineStage } from './pipeline-stage.ts';
import { maxStages, referenceRules } from './references.ts';
import { budget, placementShape, podShape, storage } from './scheduling.ts';

const listMap = { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] };

const defaults = object({
  chat: chat.optional(),
  evaluation: evaluation
    .optional()
    .describe(
      'Held-out evaluation of every pretrain, sft and grpo stage that has none of its own. When absent, such a stage is measured on the datasets with held-out rows that its prompts come from, at most 200 rows of each, before and after.',
    ),
  precision: precision.optional(),
  ...placementShape,
}).describe('What stages use that do not say otherwise.');

export const pipelineSpec = withRules(
  object({
    suspend: z.boolean().default(false).describe('Ends running attempts once they have saved, and starts none.'),
    image: z.string().min(1).max(500).optional().describe("Image of the trainer; the operator's own when absent."),
    seed: z
      .int()
      .min(0)
      .max(2_147_483_647)
      .default(0)
      .describe('Seed of the run: the same manifest and seed give the same weights.'),
    base: baseModel.optional().describe('The model that stages without a model start from.'),
    datasets: z.array(dataset).max(32).default([]).meta(listMap).describe('Data, named for the stages.'),
    storage: storage.prefault({}),
    ...podShape,
    defaults: defaults.prefault({}),
    budget: budget.optional().describe('What the whole pipeline may spend.'),
    ttlSecondsAfterFinished: count
      .optional()
      .describe(
        'The pipeline is deleted so many seconds after it succeeded, with its volume unless that is retained; never when absent. On one machine nothing is deleted.',
      ),
    ttlSecondsAfterFailed: count
      .optional()
      .describe(
        'The same for a pipeline that failed; what it made stays on its volume unless storage.retention says Delete.',
      ),
    stages: z
      .array(pipelineStage)
      .min(1)
      .max(maxStages)
      .meta(listMap)
      .describe(
        'The stages. Each has a name and exactly one of pretrain, grpo, sft, sample, rewardModel, review and evaluate, and may use only stages above it.',
      ),
  }),
  referenceRules,
);
export type PipelineSpec = z.infer<typeof pipelineSpec>;

/** A gate's decision, made once for a result and kept. */
export const gateDecision = z.strictObject({
  stage: z.string().max(63).describe('Stage whose result was judged.'),
  metric: z.string().max(100).optional().describe('Metric that was compared; absent when only a person decides.'),
  value: z.number().optional().describe('What was measured; absent when the stage reported no such metric.'),
  expected: z.string().max(200).describe('The bound, in words.'),
  passed: z.boolean().describe('The bound was kept.'),
  action: z
    .enum(['Passed', 'Stopped', 'Continued', 'RolledBack', 'Waiting', 'Approved'])
    .describe('What followed from it.'),
  approvedBy: z
    .string()
    .max(300)
    .optional()
    .describe(
      'Who approved it: as the API server knew them, else the field manager that set the annotation, and when; on one machine the user of the system. Absent where nobody said.',
    ),
  because: z
    .string()
    .max(300)
    .optional()
    .describe('Why it was approved, in the words of whoever did; never absent where a bound was not kept.'),
  uses: z.string().max(63).optional().describe('After a rollback: the stage, or base, whose model is used instead.'),
  message: z.string().max(1000).describe('The decision in words.'),
  digest: z.string().max(64).describe('SHA-256 of the gate, the checkpoint and the figure that it judged.'),
  time: time.describe('When it was decided.'),
});
export type GateDecision = z.infer<typeof gateDecision>;

/** Strings for the printer columns. */
export const pipelineDisplay = z.strictObject({
  state: z.string().max(100).describe('STATE'),
  stage: z.string().max(200).describe('STAGE'),
  progress: z.string().max(100).describe('PROGRESS'),
  eta: z.string().max(100).describe('ETA'),
  gpuHours: z.string().max(100).describe('GPU-H'),
  restarts: z.int().describe('RESTARTS'),
  reward: z.string().max(100).describe('REWARD'),
  passAt1: z.string().max(100).describe('PASS@1'),
  queue: z.string().max(100).describe('QUEUE'),
  warnings: z.string().max(400).describe('WARNINGS'),
  message: z.string().max(1000).describe('MESSAGE'),
});
export type PipelineDisplay = z.infer<typeof pipelineDisplay>;

const spending = {
  runSeconds: z.number().min(0).describe('Seconds that its attempts ran.'),
  gpuHours: z.number().min(0).describe('GPUs times hours that their pods held them.'),
};

export const pipelineStatus = z.strictObject({
  observedGeneration: z.int().optional().describe('Generation of the spec that this status is about.'),
  conditions: statusConditions,
  display: pipelineDisplay.optional().describe('Strings for the printer columns.'),
  gates: z
    .array(gateDecision)
    .max(32)
    .default([])
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['stage'] })
    .describe('Decisions of the gates.'),
  stages: z
    .array(
      z.strictObject({
        name: z.string().max(63).describe('Name of the stage.'),
        type: z.string().max(40).describe('Its type.'),
        state: z.string().max(40).describe('Where it is.'),
        message: z.string().max(1000).describe('Why, in words.'),
        runs: z
          .array(z.string().max(8))
          .max(16)
          .optional()
          .describe(
            'Its directories on the volume, oldest first, by the first digits of the UIDs of the R1Stages that had them: when it runs again, the former ones are removed, unless another R1Stage names one.',
          ),
      }),
    )
    .max(32)
    .default([])
    .meta(listMap)
    .describe('Every stage in the order of the spec, those that have not begun included.'),
  startedAt: time.optional().describe('When the first attempt of the first stage started.'),
  completedAt: time.optional().describe('When the pipeline reached its end.'),
  volumeRetained: z
    .literal(true)
    .optional()
    .describe('The claim that was made for it stays when the pipeline is deleted.'),
  runSeconds: z
    .number()
    .min(0)
    .default(0)
    .describe('Seconds that attempts of all stages ran, those that are gone included: what a budget is about.'),
  gpuHours: z.number().min(0).default(0).describe('GPUs times hours that their pods held them.'),
  spending: z
    .array(z.strictObject({ run: z.string().max(8).describe('Its first directory on the volume.'), ...spending }))
    .max(64)
    .optional()
    .describe('What each of its R1Stages has spent.'),
  formerSpending: z
    .strictObject(spending)
    .optional()
    .describe('What R1Stages have spent that are gone, to run again for instance.'),
});
export type PipelineStatus = z.infer<typeof pipelineStatus>;

export interface R1Pipeline {
  apiVersion: typeof apiVersion;
  kind: 'R1Pipeline';
  metadata: z.infer<typeof metadata>;
  spec: PipelineSpec;
  status?: PipelineStatus | undefined;
}

export const r1Pipeline = withRules(
  z.strictObject({
    apiVersion: z.literal(apiVersion),
    kind: z.literal('R1Pipeline'),
    metadata,
    spec: pipelineSpec.describe('What is asked for.'),
    status: pipelineStatus.optional().meta(writtenAsAWhole).describe('What was seen.'),
  }),
  [
    {
      // Stages, Jobs and directories are named after the pipeline.
      rule: "size(self.metadata.name) <= 63 && !self.metadata.name.contains('.')",
      message: 'metadata.name must be at most 63 lower-case letters, digits and hyphens',
    },
  ],
);
