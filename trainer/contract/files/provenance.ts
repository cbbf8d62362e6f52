import { z } from 'zod';
import { sha256 } from './checkpoint.ts';

/**
 * In every checkpoint, rows included: the deciding settings, as the text that their digest is the SHA-256 of. With it
 * whoever has a checkpoint can check what `settingsDigest` stands for, and follow it to what the stage began with.
 */
export const provenanceName = 'provenance.json';

const file = z.looseObject({ path: z.string(), bytes: z.int().min(0), sha256 });

/** With the SHA-256 of files in the place of their paths. */
const dataset = z.looseObject({ name: z.string(), file: sha256.optional() });
const wholeDataset = dataset.extend({ heldOutFile: sha256.optional() });

export const provenance = z.looseObject({
  stage: z.string(),
  seed: z.int().min(0),
  /** Of the stage's type alone; files of the user are named by the SHA-256 of what they hold. */
  settings: z.record(z.string(), z.unknown()),
  /** What the stage learned from; `file` is the SHA-256 of a data file, and a dataset without one is generated from the seed. */
  datasets: z.array(dataset),
  /** With whose held-out rows its own share nothing. */
  decontaminate: z.array(wholeDataset).optional(),
  /** What the guard of a stage measured. */
  guard: z.array(wholeDataset).optional(),
  /** An earlier stage's checkpoint, the files of a model from elsewhere, or how random weights were drawn. */
  start: z.union([z.strictObject({ digest: sha256 }), z.array(file), z.record(z.string(), z.unknown())]).optional(),
  /** Digests of the earlier stages that the settings name. */
  pins: z.record(z.string(), sha256),
});
export type Provenance = z.infer<typeof provenance>;
