import { z } from 'zod';
import { stageWarnings } from '../contract/files/progress.ts';
import { stageTypes } from '../contract/settings/settings.ts';

/**
 * The part of `pipeline.json` and `stages/<stage>.json` that the report shows. The resources belong to the operator, which
 * the trainer does not import; a file that lacks something is shown without it.
 */
const time = z.iso.datetime({ offset: true }).optional().catch(undefined);
const display = z
  .looseObject({ state: z.string().default(''), message: z.string().default(''), device: z.string().optional() })
  .optional();

const settings = Object.fromEntries(
  stageTypes.map((type) => [type, z.record(z.string(), z.unknown()).optional()]),
) as Record<(typeof stageTypes)[number], z.ZodOptional<z.ZodRecord<z.ZodString, z.ZodUnknown>>>;

const gate = z.looseObject({
  metric: z.string().optional(),
  atLeast: z.number().optional(),
  atMost: z.number().optional(),
  notBelow: z.looseObject({ stage: z.string(), by: z.number().default(0) }).optional(),
});
export type Gate = z.infer<typeof gate>;

export const pipelineFile = z.looseObject({
  metadata: z.looseObject({ name: z.string() }),
  spec: z.looseObject({
    seed: z.number().optional(),
    base: z
      .looseObject({
        path: z.string().optional(),
        hf: z.looseObject({ repo: z.string(), revision: z.string().default('main') }).optional(),
        pvc: z.looseObject({ claim: z.string() }).optional(),
        init: z.looseObject({ architecture: z.string().default('') }).optional(),
      })
      .optional(),
    stages: z.array(
      z.looseObject({
        name: z.string(),
        model: z.looseObject({ from: z.string().optional() }).optional(),
        gate: gate.optional(),
        ...settings,
      }),
    ),
  }),
  status: z
    .looseObject({
      display,
      gates: z
        .array(z.looseObject({ stage: z.string(), action: z.string(), message: z.string().default('') }))
        .default([]),
      stages: z
        .array(z.looseObject({ name: z.string(), state: z.string(), message: z.string().default('') }))
        .default([]),
      startedAt: time,
      completedAt: time,
    })
    .optional(),
});
export type PipelineFile = z.infer<typeof pipelineFile>;

export const stageFileOfState = z.looseObject({
  spec: z.looseObject({
    model: z.looseObject({ input: z.looseObject({ stage: z.string() }).optional() }).optional(),
    inputs: z.array(z.looseObject({ stage: z.string() })).default([]),
    evaluation: z.record(z.string(), z.unknown()).optional(),
  }),
  status: z
    .looseObject({
      display,
      attempts: z.array(z.unknown()).default([]),
      checkpoint: z.looseObject({ path: z.string(), step: z.number(), digest: z.string() }).optional(),
      metrics: z.record(z.string(), z.number()).default({}),
      warnings: stageWarnings.default([]),
      runSeconds: z.number().optional(),
    })
    .optional(),
});
