import { z } from 'zod';

/** In the directory of kept rows, beside them. */
export const rowManifestName = 'manifest.json';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
/** Of the rule that decides, not of the program: it rises whenever an equal completion may be judged otherwise. */
const version = z.int().min(1);

/** Where a row that a sample stage kept is from. With the manifest beside it, it says who could make the same row again. */
export const rowOrigin = z.object({
  /** SHA-256 of its dataset: of the bytes of the file, or of what a generator was asked. */
  data: sha256,
  /** SHA-256 of the model that was sampled; of a stage's model that of its `checkpoint.json`. */
  model: sha256,
  stage: z.string(),
  /** Seed of the run: with stage, prompt and sample it decides every random number of a completion. */
  seed: z.int().min(0),
  /** Id of the prompt in its dataset. */
  prompt: z.string(),
  /** How the prompt was put. */
  method: z.string(),
  /** Which of the prompt's samples, from 0: one of a completion; of a pair the chosen and the rejected one. */
  samples: z.array(z.int().min(0)).min(1).max(2),
  /** What it passed, in order: `name/version`. */
  filters: z.array(z.string()),
  /** What a judge gave it, where one was asked. */
  judge: z
    .object({
      /** Of the settings of the filter `judge` in the manifest, as canonical JSON: who was asked, what, and how. */
      sha256,
      /** 0 … 1 */
      score: z.number().min(0).max(1),
    })
    .optional(),
  /** SHA-256 of the whole row without this digest, as canonical JSON (RFC 8785). */
  digest: sha256,
});
export type RowOrigin = z.infer<typeof rowOrigin>;

/** `data/manifest.json` of a sample stage: what the rows beside it may come from, and which rows there are. */
export const rowManifest = z.strictObject({
  version: z.literal(1),
  stage: z.string(),
  seed: z.int().min(0),
  model: sha256,
  datasets: z.record(z.string(), z.strictObject({ sha256 })),
  /** In the order in which a completion passed them, with what decides them. */
  filters: z.array(z.strictObject({ name: z.string(), version, settings: z.record(z.string(), z.unknown()) })),
  files: z.array(z.strictObject({ path: z.string(), rows: z.int().min(0), bytes: z.int().min(0), sha256 })),
});
export type RowManifest = z.infer<typeof rowManifest>;
