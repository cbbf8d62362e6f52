import { expect, test } from '@jest/globals';
import { decidePipeline } from '../../operator/core/pipeline/decide-pipeline.ts';
import type { PipelineObserved } from '../../operator/core/observed.ts';
import { reconcilePipeline, reconcileStage } from '../../operator/reconciler.ts';
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

test('what cannot be decided is said once, and fails the pass each time', async () => {
  const typeless = { ...pipeline, spec: { ...pipeline.spec, stages: [{ name: 'typeless' } as never] } };
  let asked: PipelineObserved['pipeline'] = typeless;
  const said: unknown[] = [];
  const pass = () =>
    reconcilePipeline('test', {
      observePipeline: async () => observe({ pipeline: asked }),
      applyToPipeline: async () => undefined,
      savePipelineStatus: async (_, status) => {
        said.push(status.conditions);
        asked = { ...asked, status };
      },
    });
  await expect(pass()).rejects.toThrow('stage without a type');
  await expect(pass()).rejects.toThrow('stage without a type');
  const reason = 'InternalError';
  expect(said).toMatchObject([[{ status: 'Unknown', reason, message: expect.stringContaining('without a type') }]]);

  const stage = { ...created(pipeline, [], 'pretrained'), spec: {} as never };
  const saved: unknown[] = [];
  const looked = reconcileStage('test', {
    observeStage: async () => ({ now, stage, attempts: [] }),
    applyToStage: async () => undefined,
    saveStageStatus: async (_, { conditions }) => {
      saved.push(conditions[0]?.reason);
      return true;
    },
  });
  await expect(looked).rejects.toThrow();
  expect(saved).toEqual([reason]);
});

test('nothing is done about an attempt whose end could not be written down', async () => {
  const ended = { number: 1, state: 'ended', startedAt: now, gpus: 0, exit: { cause: 'evicted' } } as const;
  const stage = withStatus(created(pipeline, [], 'pretrained'), 'running');
  const leftovers = [{ attempt: 1, isOutlived: true }];
  for (const isWritten of [false, true]) {
    const done: string[] = [];
    await reconcileStage('test', {
      observeStage: async () => ({ now, stage, attempts: [ended], leftovers }),
      applyToStage: async (_, { kind }) => void done.push(kind),
      saveStageStatus: async () => isWritten,
    });
    expect(done).toEqual(isWritten ? ['RemoveAttempt'] : []);
  }
});
