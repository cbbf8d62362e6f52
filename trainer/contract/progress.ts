import { z } from 'zod';

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
});
export type StageResult = z.infer<typeof stageResult>;
