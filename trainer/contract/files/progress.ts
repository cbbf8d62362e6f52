import { z } from 'zod';

/** Characters of a warning's message. */
export const warningLength = 300;
/** As many leave room for the rest of a termination message. */
export const mostWarnings = 6;

/** Something that does not end a stage but that a person should know, such as that it learns nothing. */
export const stageWarning = z.object({
  /** One CamelCase word for programs; a stage has at most one warning of a reason. */
  reason: z
    .string()
    .max(60)
    .regex(/^[A-Z][A-Za-z0-9]*$/)
    .describe('Why, in one CamelCase word.'),
  message: z.string().max(warningLength).describe('What was found, and what to do about it.'),
});
export type StageWarning = z.infer<typeof stageWarning>;

/** The warnings that hold now, oldest first. */
export const stageWarnings = z.array(stageWarning).max(mostWarnings);

/** One JSON line on the trainer's stdout. At most one every second or so; the newest one counts. */
export const progressLine = z.object({
  type: z.literal('progress'),
  time: z.iso.datetime(),
  step: z.int().min(0),
  steps: z.int().min(0),
  /** What the stage is doing: `train`, `evaluate`, `sample`, `save` … */
  phase: z.string(),
  /** At most 12. */
  metrics: z.record(z.string(), z.number()),
  secondsLeft: z.number().min(0).optional(),
  /** Step, or part of the rows, up to which the stage's work is saved: another attempt goes on from there. */
  saved: z.int().min(0).optional(),
  warnings: stageWarnings.optional(),
  /** What it computes on, in words. */
  device: z.string().max(200).optional(),
});
export type ProgressLine = z.infer<typeof progressLine>;

/** `result.json` and the termination message: what a finished or failed attempt says, at most 4 KiB. */
export const stageResult = z.object({
  outcome: z.enum(['succeeded', 'failed', 'interrupted']),
  /** A key of `exitCodes`. */
  reason: z.string(),
  message: z.string().max(2000),
  checkpoint: z.object({ path: z.string(), step: z.int().min(0), digest: z.string() }).optional(),
  metrics: z.record(z.string(), z.number()),
  warnings: stageWarnings.optional(),
});
export type StageResult = z.infer<typeof stageResult>;
