import { expect, test } from '@jest/globals';
import { decidePipeline } from '../../operator/core/decide-pipeline.ts';
import type { PipelineObserved } from '../../operator/core/observed.ts';
import { reconcilePipeline } from '../../operator/reconciler.ts';
import { fourStages, pipelineOf } from '../support/pipelines.ts';
import { created, now, succeeded, withStatus } from '../support/stages.ts';

const pipeline = pipelineOf(fourStages);
const all = succeeded(pipeline, ['pretrained', 'zero', 'samples', 'student']);
const observe = (given: Partial<PipelineObserved>): PipelineObserved => ({
  now,
  pipeline,
  stages: [],
  maxRunningStages: 1,
  ...given,
});
const finished = { ...pipeline, status: decidePipeline(observe({ stages: all })).status };

test.each([
  {
    name: 'that is to run again says so before anything of it is made anew',
    given: {
      pipeline: { ...finished, metadata: { name: 'test', annotations: { 'r1.dev/rerun-from': 'zero' } } },
      stages: all,
    },
    does: ['DeleteStages', 'RunningAgain'],
  },
  { name: 'that begins acts first', given: {}, does: ['CreateStage'] },
  {
    name: 'that has nothing to do is told of',
    given: { stages: [withStatus(created(pipeline, [], 'pretrained'), 'running')] },
    does: ['StageRunning'],
  },
  { name: 'that has ended is told of once', given: { pipeline: finished, stages: all }, does: [] },
])('a pipeline $name', async ({ given, does }) => {
  const done: string[] = [];
  await reconcilePipeline('test', {
    observePipeline: async () => observe(given),
    applyToPipeline: async (_, { kind }) => void done.push(kind),
    savePipelineStatus: async (_, { conditions }) => void done.push(conditions[0]?.reason ?? ''),
  });
  expect(done).toEqual(does);
});
