import { z } from 'zod';
import { settingsDigest } from '../files/checkpoint.ts';
import { chat } from './chat.ts';
import { dataset } from './dataset.ts';
import { device } from './device.ts';
import { modelInit } from './model.ts';
import { evaluation, precision, trainedOn } from './training.ts';
import { stageSettings } from './settings.ts';
import { exactlyOne } from './schema.ts';

/** Output of an earlier stage, pinned by digest: the stage refuses anything else. */
export const pinnedInput = z.strictObject({
  stage: z.string(),
  /** Directory of the checkpoint (`…/step-000200`) or of the data (`…/data`), absolute. */
  path: z.string(),
  /** SHA-256 of its `checkpoint.json`, lower-case hex. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
});
export type PinnedInput = z.infer<typeof pinnedInput>;

/** Everything a stage needs to run, resolved: `/r1/stage.json` in a pod. Paths are absolute. */
export const stageFile = z.strictObject({
  pipeline: z.string(),
  stage: z.string(),
  attempt: z.int().min(1),
  /** Seed of the run; random numbers are a function of it, the stage and their own coordinates. */
  seed: z.int().min(0),
  settings: stageSettings,
  /** What the settings must come to, files by their content: others are refused. Whatever they come to is fine when absent. */
  settingsDigest: settingsDigest.optional(),
  /** The model the stage starts from; absent for review. */
  model: exactlyOne(
    { init: modelInit.optional(), path: z.string().optional(), input: pinnedInput.optional() },
    'model',
  ).optional(),
  chat: chat.optional(),
  datasets: z.array(dataset),
  /** Earlier stages named by the settings (data, reward models), by stage name. */
  inputs: z.record(z.string(), pinnedInput),
  evaluation: evaluation.optional(),
  /** Of all that the stage's model computes; f32 when absent. */
  precision: precision.optional(),
  /** Datasets of the evaluation that have no held-out rows, and whose rows this or an earlier stage learns from. */
  trainedOn: trainedOn.optional(),
  /** The stage's own directory, writable. */
  out: z.string(),
  /**
   * Directories of this stage's earlier attempts, newest last, absolute. What the newest of them has that verifies is
   * moved into `out` before the work begins; an attempt with a directory of its own has nothing else to go on from.
   * `out` is then `<stage>/<run>/attempt-<n>`.
   */
  takeOver: z.array(z.string()).optional(),
  /** Runs of this stage whose object is gone, and which nobody refers to: their directories, beside that of this run, are removed. */
  goneRuns: z.array(z.string().regex(/^[0-9a-f]{8}$/)).optional(),
  /** Where rollout workers find the learner: the port it listens on, and the file with the secret they share. */
  rollout: z
    .strictObject({
      port: z.int().min(0).max(65535),
      tokenFile: z.string(),
      /** Address it listens on; all when absent. */
      host: z.string().optional(),
    })
    .optional(),
  /** Where a review listens, on the loopback interface, and the file with the token of its page; it chooses both when absent. */
  reviewPage: z.strictObject({ port: z.int().min(1).max(65535), tokenFile: z.string() }).optional(),
  /** Where it must compute; wherever it can when absent. */
  device: device.optional(),
  /** Checkpoints kept besides the newest. */
  keepLast: z.int().min(1).default(2),
  /** Worker threads; one per core when absent. It changes time and nothing else. */
  workers: z.int().min(1).optional(),
});
export type StageFile = z.infer<typeof stageFile>;
