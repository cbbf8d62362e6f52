import { expect, test } from '@jest/globals';
import { decidePipeline } from '../../../operator/core/pipeline/decide-pipeline.ts';
import { fourStages, pipelineOf } from '../../support/pipelines.ts';
import { attempt, now, succeeded } from '../../support/stages.ts';

const pipeline = pipelineOf(fourStages);

test.each([
  { outcomes: ['Succeeded'], restarts: 0 },
  { outcomes: ['Failed', 'Succeeded'], restarts: 1 },
  { outcomes: ['Failed', 'Failed', 'Succeeded', 'Succeeded'], restarts: 2 },
  { outcomes: ['Succeeded', 'Succeeded', 'Succeeded'], restarts: 0 }, // measured anew, then more steps
  { outcomes: ['Interrupted', 'Succeeded'], restarts: 0 }, // suspended and resumed
] as const)('$outcomes are $restarts restarts', ({ outcomes, restarts }) => {
  const attempts = outcomes.map((outcome, index) => attempt(index + 1, { outcome }));
  const stages = succeeded(pipeline, ['pretrained'], { attempts });
  const { status } = decidePipeline({ now, pipeline, stages, maxRunningStages: 1 });
  expect(status.display?.restarts).toBe(restarts);
});
