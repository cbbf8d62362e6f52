import type { R1Pipeline } from '../../../../operator/api/resources/pipeline.ts';
import { edited, gated, twoRoots } from '../../../support/edited-pipelines.ts';
import { fourStages, pipelineOf } from '../../../support/pipelines.ts';

/** Manifests of one pipeline as a person might edit it, the first one first; in a row, and with two roots. */
export const variants: readonly (readonly R1Pipeline[])[] = [fourStages, twoRoots].map((text) =>
  [
    text,
    ...edited(text),
    `${text}budget: {hours: 1}`,
    `${text}budget: {gpuHours: 1.5}`,
    gated(text, 'metric: eval/pass@1, atLeast: 0.5'),
    gated(text, 'metric: eval/pass@1, atLeast: 0.5, onFailure: Rollback'),
    gated(text, 'metric: eval/pass@1, atLeast: 0.5, onFailure: Wait'),
  ].map(pipelineOf),
);
