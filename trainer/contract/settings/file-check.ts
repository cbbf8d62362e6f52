import { z } from 'zod';
import { chat } from './chat.ts';
import { dataset } from './dataset.ts';
import { device } from './device.ts';
import { judgeShape } from './judge.ts';
import { modelInit } from './model.ts';
import { rewardPython } from './own-functions.ts';
import { precision } from './training.ts';
import { stageSettings } from './settings.ts';

/** Where something is named in a manifest. */
const manifestPath = z.array(z.union([z.string(), z.number()]));

/** What a stage does with the rows of a dataset, and so what they must have. */
export const rowNeeds = ['prompt', 'completion', 'pair', 'label', 'answer'] as const;
export type RowNeed = (typeof rowNeeds)[number];

/** What rows are put in, where it is known: the chat template of the model that a stage begins with, or its own. */
export const rendering = z.strictObject({ directory: z.string(), chat: chat.optional() });
export type Rendering = z.infer<typeof rendering>;

/** Asks the trainer to look at files before any stage starts; paths of files are absolute. */
export const fileCheck = z.strictObject({
  datasets: z.array(
    z.strictObject({
      path: manifestPath,
      settings: dataset,
      uses: z.array(
        z.strictObject({
          /** Where a stage names the dataset. */
          path: manifestPath,
          need: z.enum(rowNeeds),
          /** Held-out rows are meant where there are any. */
          heldOut: z.boolean(),
          rendering: rendering.optional(),
        }),
      ),
    }),
  ),
  models: z.array(
    z.strictObject({
      path: manifestPath,
      directory: z.string(),
      /** What stands on the decoder: the head of a language model, the scalar of a reward model, or one that is yet to be trained. */
      head: z.enum(['lm', 'scalar', 'maybeScalar']),
    }),
  ),
  rewards: z.array(
    z.strictObject({
      path: manifestPath,
      file: z.string(),
      /** How one in Python is run. */
      python: rewardPython.optional(),
      /** Files with all rows that it is to score, where they are known. */
      data: z.array(z.string()).optional(),
    }),
  ),
  /** What judges are asked, where the manifest says it. */
  rubrics: z.array(
    z.strictObject({
      path: manifestPath,
      rubric: judgeShape.rubric.unwrap(),
      by: judgeShape.by,
      preferencePolicy: judgeShape.preferencePolicy,
    }),
  ),
  /** Stages with the model that they open: whether it fits into memory. */
  uses: z.array(
    z.strictObject({
      path: manifestPath,
      stage: z.string(),
      settings: stageSettings,
      /** A fresh model. */
      init: modelInit.optional(),
      directory: z.string().optional(),
      precision: precision.optional(),
      /** Where it must compute. */
      device: device.optional(),
      /** Worker threads; one per core when absent. */
      workers: z.int().min(1).optional(),
    }),
  ),
});
export type FileCheck = z.infer<typeof fileCheck>;
export type DatasetUse = FileCheck['datasets'][number]['uses'][number];

/** The answer: one a line. A warning is to be known, and ends no stage. */
export const fileProblem = z.object({ path: manifestPath, message: z.string(), warning: z.literal(true).optional() });
export type FileProblem = z.infer<typeof fileProblem>;

/** How much of a data file is looked at before the first stage starts; its own stage reads all of it. */
export const lookedAt = { rows: 1000, bytes: 64 * 2 ** 20 } as const;
