import { z } from 'zod';
import { dataset } from '../../../trainer/contract/settings/dataset.ts';
import { modelSourceShape } from '../../../trainer/contract/settings/model.ts';
import { progressLine, stageWarnings } from '../../../trainer/contract/files/progress.ts';
import {
  exactlyOneRule,
  name,
  object,
  path,
  pipelineName,
  withRules,
} from '../../../trainer/contract/settings/schema.ts';
import { stageSettingsShape, stageTypes } from '../../../trainer/contract/settings/settings.ts';
import { statusConditions } from './conditions.ts';
import { apiVersion, metadata, time, writtenAsAWhole } from './metadata.ts';
import { stageRuntimeShape } from './pipeline-stage.ts';
import { trainedOn } from '../../../trainer/contract/settings/training.ts';
import { podShape, storage } from './scheduling.ts';

/** Output of an earlier stage, pinned by digest. */
export const stageInput = object({
  stage: name.describe('The stage that wrote it.'),
  path: z.string().min(1).max(200).describe("Directory below that stage's own, such as step-000200 or data."),
  digest: z
    .string()
    .max(64)
    .regex(/^[0-9a-f]{64}$/)
    .describe('SHA-256 of its checkpoint.json; anything else is refused.'),
});
export type StageInput = z.infer<typeof stageInput>;

const resolvedModelShape = {
  ...modelSourceShape,
  input: stageInput.optional().describe('Checkpoint of an earlier stage.'),
};
export const resolvedModel = withRules(object(resolvedModelShape), [
  exactlyOneRule(Object.keys(resolvedModelShape), 'source'),
]);
export type ResolvedModel = z.infer<typeof resolvedModel>;

export const fileContent = object({
  lines: z.int().min(0).optional().describe('Its lines; absent for a Parquet file.'),
  sha256: z.string().max(64).describe('SHA-256 of its bytes.'),
});
export type FileContent = z.infer<typeof fileContent>;

/** What the files of a dataset hold. */
const datasetContent = object({
  dataset: name.describe('The dataset.'),
  file: fileContent.describe('Its data file.'),
  heldOut: fileContent.optional().describe('Its file of held-out rows.'),
});
export type DatasetContent = z.infer<typeof datasetContent>;

/** What the files hold that a pipeline names. */
export interface FileContents {
  readonly datasets: readonly DatasetContent[];
  /** Of chat templates, by the paths in the manifest. */
  readonly templates: Readonly<Record<string, FileContent>>;
  /** Of rewards of one's own, in the same way. */
  readonly rewards: Readonly<Record<string, FileContent>>;
}

/** A stage with everything resolved: what one R1Stage object asks for. */
export const stageSpec = withRules(
  object({
    pipeline: pipelineName.describe(
      'The pipeline that it belongs to; names its directory on the volume, with the namespace.',
    ),
    stage: name.describe('Its name in the pipeline.'),
    suspend: z.boolean().default(false).describe('Ends a running attempt once it has saved, and starts none.'),
    image: z.string().min(1).max(500).optional().describe("Image of the trainer; the operator's own when absent."),
    seed: z.int().min(0).max(2_147_483_647).default(0).describe('Seed of the run.'),
    model: resolvedModel.optional().describe('The model that the stage starts from; absent for review.'),
    datasets: z
      .array(dataset)
      .max(32)
      .default([])
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] })
      .describe('The datasets that the settings name.'),
    contents: z
      .array(datasetContent)
      .max(32)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['dataset'] })
      .describe('On one machine: what their files hold, so that a change of them is noticed.'),
    templateContent: fileContent
      .optional()
      .describe('On one machine: what chat.templateFile holds, so that a change of it is noticed.'),
    rewardContents: z
      .array(
        object({ file: path.describe('As the reward names it.'), content: fileContent.describe('What it holds.') }),
      )
      .max(16)
      .optional()
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['file'] })
      .describe("On one machine: what the files of rewards of one's own hold, so that a change of them is noticed."),
    inputs: z
      .array(stageInput)
      .max(32)
      .default([])
      .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['stage'] })
      .describe('Data and reward models of earlier stages that the settings name.'),
    trainedOn: trainedOn.describe(
      'Datasets of the evaluation without held-out rows that this or an earlier stage learns from: their figures are called eval_train/….',
    ),
    storage: storage.prefault({}),
    ...podShape,
    ...stageSettingsShape,
    ...stageRuntimeShape,
  }),
  [exactlyOneRule(stageTypes, 'type')],
);
export type StageSpec = z.infer<typeof stageSpec>;

/** All checkpoints of other stages that a stage reads: the model that it begins with first. */
export function inputsOf({ model, inputs }: Pick<StageSpec, 'model' | 'inputs'>): readonly StageInput[] {
  return model?.input === undefined ? inputs : [model.input, ...inputs];
}

/** The stages that made them. */
export function makersOf(spec: Pick<StageSpec, 'model' | 'inputs'>): string[] {
  return [...new Set(inputsOf(spec).map(({ stage }) => stage))];
}

export const failureClasses = [
  'disruption',
  'infrastructure',
  'outOfMemory',
  'diskFull',
  'diverged',
  'hung',
  'userError',
  'notStarted',
  'crashed',
] as const;
export type FailureClass = (typeof failureClasses)[number];

/** One attempt as it is remembered. */
export const attemptRecord = z.strictObject({
  number: z.int().min(1).describe('Counts from 1.'),
  outcome: z
    .enum(['Pending', 'Running', 'Succeeded', 'Failed', 'Interrupted'])
    .describe(
      'Pending: its pod does not run yet. Interrupted: ended on purpose or with its runner; it counts against no retry budget.',
    ),
  class: z.enum(failureClasses).optional().describe('Cause of a failure, or of an end before it ran.'),
  message: z.string().max(2000).describe('What happened, in words.'),
  startedAt: time.describe('When it began to run; while it is pending, when it was made.'),
  endedAt: time.optional().describe('When its end was seen.'),
  gpus: z.number().min(0).default(0).describe('GPUs that it held, those of its rollout workers included.'),
  heldSince: time.optional().describe('When its pod got a node, and with it its GPUs; absent where it has none.'),
  settings: z
    .string()
    .max(80)
    .optional()
    .describe(
      'SHA-256 of the settings that decide its result, after the version of the way to make it: a finished stage that is asked for another one goes on.',
    ),
  saved: z.int().min(0).optional().describe('Step, or part of the rows, up to which work was saved.'),
  ranSeconds: z.number().min(0).optional().describe('Seconds that it ran before it had to wait for a pod again.'),
});
export type AttemptRecord = z.infer<typeof attemptRecord>;

const metrics = z.record(z.string(), z.number());

export const stageDisplay = z.strictObject({
  type: z.string().max(40).describe('TYPE'),
  state: z.string().max(100).describe('STATE'),
  step: z.string().max(100).describe('STEP'),
  progress: z.string().max(100).describe('PROGRESS'),
  reward: z.string().max(100).describe('REWARD'),
  loss: z.string().max(100).describe('LOSS'),
  attempt: z.int().describe('ATTEMPT'),
  passAt1: z.string().max(100).describe('PASS@1'),
  kl: z.string().max(100).describe('KL'),
  node: z.string().max(253).describe('NODE'),
  device: z.string().max(200).optional().describe('DEVICE'),
  workers: z.string().max(100).optional().describe('WORKERS'),
  checkpoint: z.string().max(200).describe('CHECKPOINT'),
  warnings: z.string().max(400).describe('WARNINGS'),
  message: z.string().max(1000).describe('MESSAGE'),
});
export type StageDisplay = z.infer<typeof stageDisplay>;

export const stageStatus = z.strictObject({
  observedGeneration: z.int().optional().describe('Generation of the spec that this status is about.'),
  conditions: statusConditions,
  display: stageDisplay.optional().describe('Strings for the printer columns.'),
  attempts: z
    .array(attemptRecord)
    .max(100)
    .default([])
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['number'] })
    .describe('Attempts, oldest first.'),
  failures: z.record(z.string(), z.int()).default({}).describe('Failed attempts by class.'),
  progress: progressLine.omit({ warnings: true }).optional().describe('The newest progress line.'),
  checkpoint: z
    .strictObject({
      path: z.string().max(200).describe("Directory in the stage's directory."),
      step: z.int().min(0).describe('Optimizer step.'),
      digest: z.string().max(64).describe('SHA-256 of its checkpoint.json.'),
    })
    .optional()
    .describe('The final checkpoint, once it was verified.'),
  metrics: metrics.default({}).describe('Metrics of the result.'),
  warnings: stageWarnings
    .meta({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['reason'] })
    .optional()
    .describe('What the newest attempt warns of, such as that it learns nothing.'),
  rolloutWorkers: z
    .strictObject({
      asked: z.int().min(0).describe('How many are asked for.'),
      running: z.int().min(0).describe('How many run and are ready.'),
      message: z
        .string()
        .max(1000)
        .optional()
        .describe('Why fewer run than are asked for; the attempt goes on without the others.'),
    })
    .optional()
    .describe('Rollout workers of the attempt that is under way; on a cluster, where some are asked for.'),
  startedAt: time.optional().describe('When the first attempt started.'),
  completedAt: time.optional().describe('When the stage reached its end.'),
  runSeconds: z.number().min(0).default(0).describe('Seconds that attempts ran.'),
  gpuHours: z.number().min(0).default(0).describe('GPUs times hours that pods held them.'),
  node: z.string().max(253).optional().describe('Where the newest attempt runs or ran.'),
});
export type StageStatus = z.infer<typeof stageStatus>;
export type StageCheckpoint = NonNullable<StageStatus['checkpoint']>;

export interface R1Stage {
  apiVersion: typeof apiVersion;
  kind: 'R1Stage';
  metadata: z.infer<typeof metadata>;
  spec: StageSpec;
  status?: StageStatus | undefined;
}

export const r1Stage = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal('R1Stage'),
  metadata,
  spec: stageSpec.meta(writtenAsAWhole).describe('What is asked for.'),
  status: stageStatus.optional().meta(writtenAsAWhole).describe('What was seen.'),
});
