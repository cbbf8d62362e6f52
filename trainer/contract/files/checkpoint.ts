import { z } from 'zod';

/**
 * Layout of a stage's directory:
 *
 *   step-000200.….partial/ being written; never read
 *   step-000200/           a Hugging Face directory plus
 *     trainer/             optimizer state, cursors (only what resume needs)
 *     adapter/             of a stage with `lora`: its adapters, in the form of peft
 *     provenance.json      the settings that decided it, whose SHA-256 is its settings digest
 *     checkpoint.json      this manifest; its SHA-256 is the checkpoint's digest
 *   good-000150/           of a stage with a guard that rolls back: its model of the best step so far, as a checkpoint that is final
 *   resume-000200/         optimizer state of the finished step 200, from which a longer run goes on
 *   data/                  rows of a sample or review stage: rows.jsonl, held-out.jsonl of pairs, checkpoint.json; of a sample stage
 *                          funnel.json, pass-rates.jsonl: how often each prompt was answered right, and manifest.json: what its
 *                          rows are from
 *   metrics.jsonl          one line a step, truncated to the resumed step on resume
 *   samples.jsonl          sample completions for the report
 *   rollouts/              all completions of the newest rollouts, step-000021.jsonl and so on by their first step
 *   evaluations/           figures of a model, a file for each model and way to measure it
 *   controls/              what negative controls came to, a file each; the one that runs has a directory there
 *   decisions.jsonl        what people decided on the rows of a review stage
 *   stage.json             what the newest attempt was told, without secrets: r1 verify --replay tells it again
 *   learned-files.json     what the data files held that the stage, and those before it, learned from
 *   result.json            the last thing written
 *   writer.lock/           held by the process that writes here
 *
 * On a cluster it is `<run>/attempt-<n>/` in the stage's directory, and `attempt-<n>.closed/` once a newer attempt has
 * taken its work over.
 */
export const checkpointManifestName = 'checkpoint.json';
/** Within a checkpoint. */
export const adapterDirectory = 'adapter';
export const metricsName = 'metrics.jsonl';
export const samplesName = 'samples.jsonl';
export const rolloutsName = 'rollouts';
export const evaluationsName = 'evaluations';
export const controlsName = 'controls';
export const reviewDecisionsName = 'decisions.jsonl';
/** Rows of a stage that writes rows, in its `data/`, and those of them that no stage learns from. */
export const rowsName = 'rows.jsonl';
export const heldOutRowsName = 'held-out.jsonl';
/** In the `data/` of a sample stage. */
export const passRatesName = 'pass-rates.jsonl';
export const judgeVerdictsName = 'judge-verdicts.jsonl';
export const learnedFilesName = 'learned-files.json';
export const resultName = 'result.json';
export const toldName = 'stage.json';
export const writerLockName = 'writer.lock';

/** Lower-case hex. */
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

/** Of what decides the weights or rows of a stage. Begins with the version of the way in which it is made. */
export const settingsDigest = z.string().regex(/^(\d+:)?[0-9a-f]{64}$/);

export const checkpointManifest = z.strictObject({
  version: z.literal(1),
  step: z.int().min(0),
  /** The stage is done; an unfinished checkpoint is only good for resuming its own stage. */
  final: z.boolean(),
  /** Steps or epochs that the finished stage was asked for: one that is asked for more goes on. */
  length: z.int().min(0).optional(),
  /** Paths relative to the directory, sorted; every file but this one. */
  files: z.array(z.strictObject({ path: z.string(), bytes: z.int().min(0), sha256 })),
  parent: z.strictObject({ stage: z.string(), digest: sha256 }).optional(),
  /** SHA-256 of what decides the weights in the stage file: resume refuses a checkpoint of other settings. */
  settingsDigest,
  /** Versions and instruction set that the bits depend on, and the `precision` of the stage's products. */
  engine: z.record(z.string(), z.string()),
});
export type CheckpointManifest = z.infer<typeof checkpointManifest>;

export function stepDirectory(step: number): string {
  return `step-${String(step).padStart(6, '0')}`;
}

/** The model that a rollback leads to. It is the checkpoint, to the bit, that the stage would have ended with at that step. */
export function goodDirectory(step: number): string {
  return `good-${String(step).padStart(6, '0')}`;
}

/** Beside the final checkpoint of that step, so that its digest does not depend on whether it is kept. */
export function resumeDirectory(step: number): string {
  return `resume-${String(step).padStart(6, '0')}`;
}
