import { expect, test } from '@jest/globals';
import type { R1Pipeline } from '../../../operator/api/resources/pipeline.ts';
import type { R1Stage } from '../../../operator/api/resources/stage.ts';
import type { PipelineAction } from '../../../operator/core/pipeline/pipeline-decision.ts';
import type { StageAction } from '../../../operator/core/stage/stage-decision.ts';
import { KubePipelines } from '../../../operator/kube/kube-pipelines.ts';
import { KubeStages } from '../../../operator/kube/kube-stages.ts';
import { keyOf, type KubeObject, type Stored } from '../../../operator/kube/client/resources.ts';
import { fourStages, pipelineOf } from '../../support/pipelines.ts';
import { created } from '../../support/stages.ts';

const manifest = pipelineOf(fourStages);
const is = <T extends KubeObject>(object: T, uid: string): Stored<T> =>
  ({ ...object, metadata: { ...object.metadata, namespace: 'team', uid, resourceVersion: uid.slice(-1) } }) as never;
const pipeline = is<R1Pipeline>(manifest, 'pipeline-1');
const stage = is<R1Stage>(created(manifest, [], 'pretrained'), 'stage-1');
const status = { conditions: [], attempts: [] } as never;

function cacheOf(objects: readonly Stored<KubeObject>[]) {
  return { get: (key: string) => objects.find((each) => keyOf(each) === key), byIndex: () => objects };
}

/** What is asked of an API server by whoever knows these objects and the Jobs of an attempt. */
function shells(...known: readonly Stored<R1Pipeline | R1Stage>[]) {
  const asked: unknown[] = [];
  const answer = async (method: string, given: readonly unknown[]): Promise<never> => {
    asked.push([method, ...given]);
    throw new Error('asked');
  };
  const methodOf =
    (_: object, name: string) =>
    async (...given: unknown[]) =>
      answer(name, given);
  const client = new Proxy({}, { get: methodOf });
  const jobs = ['', '-rollout'].map((end) => is({ metadata: { name: `test-pretrained-1${end}` } }, 'job-1'));
  const silent = { info: () => undefined, record: () => undefined };
  const requeued: string[] = [];
  const options = {
    client,
    pipelines: cacheOf(known.filter(({ kind }) => kind === 'R1Pipeline')),
    stages: cacheOf(known.filter(({ kind }) => kind === 'R1Stage')),
    jobs: cacheOf(jobs),
    pods: cacheOf([]),
    claims: client,
    logger: silent,
    events: silent,
    requeueAfter: (key: string) => requeued.push(key),
  } as never;
  return { asked, requeued, pipelines: new KubePipelines(options), stages: new KubeStages(options) };
}

test.each<StageAction>([
  { kind: 'StartAttempt', attempt: 1 },
  { kind: 'StopAttempt', attempt: 1, reason: 'suspended' },
  { kind: 'RemoveAttempt', attempt: 1 },
  { kind: 'StartRolloutWorkers', attempt: 1 },
  { kind: 'ResizeRolloutWorkers', attempt: 1, workers: 3 },
  { kind: 'WithdrawRolloutWorkers', attempt: 1 },
  { kind: 'EndRolloutWorkers', attempt: 1 },
])('$kind is not done to another stage that has the name by then', async (action) => {
  const { asked, stages } = shells(is(stage, 'stage-2'));
  await stages.applyToStage({ now: 0, stage, attempts: [] }, action);
  expect(asked).toEqual([]);
});

test.each([
  ['gone', []],
  ['another by that name', [is(pipeline, 'pipeline-2')]],
])('nothing is begun for a stage whose pipeline is %s', async (_, pipelines) => {
  const ownerReferences = [{ kind: 'R1Pipeline', name: 'test', uid: 'pipeline-1' }];
  const owned = { ...stage, metadata: { ...stage.metadata, ownerReferences } };
  const { asked, requeued, stages } = shells(...pipelines, owned);
  await stages.applyToStage({ now: 0, stage: owned, attempts: [] }, { kind: 'StartAttempt', attempt: 1 });
  expect(asked).toEqual([]);
  expect(requeued).toEqual(['team/test-pretrained']);
});

test.each<PipelineAction>([
  { kind: 'CreateStage', stage },
  { kind: 'UpdateStage', stage, why: 'it asks for something else' },
  { kind: 'SuspendStage', name: 'test-pretrained', suspend: true },
  { kind: 'DeleteStages', names: ['test-pretrained'] },
  { kind: 'ClearRerun', annotations: {} },
  { kind: 'RetainVolume', retain: true },
  { kind: 'DeletePipeline', why: 'it ended an hour ago' },
])('$kind is not done to another pipeline that has the name by then', async (action) => {
  const { asked, pipelines } = shells(is(pipeline, 'pipeline-2'), stage);
  await pipelines.applyToPipeline({ now: 0, pipeline, stages: [stage], maxRunningStages: 1 }, action);
  expect(asked).toEqual([]);
});

test.each<PipelineAction>([
  { kind: 'UpdateStage', stage, why: 'it asks for something else' },
  { kind: 'SuspendStage', name: 'test-pretrained', suspend: true },
  { kind: 'DeleteStages', names: ['test-pretrained'] },
])('$kind does nothing to another stage that has the name by then', async (action) => {
  const { asked, pipelines } = shells(pipeline, is(stage, 'stage-2'));
  await pipelines.applyToPipeline({ now: 0, pipeline, stages: [stage], maxRunningStages: 1 }, action);
  expect(asked).toEqual([]);
});

test('what is true of an object is not said of another one that has its name by then', async () => {
  const { asked, pipelines, stages } = shells(is(pipeline, 'pipeline-2'), is(stage, 'stage-2'));
  await pipelines.savePipelineStatus({ now: 0, pipeline, stages: [], maxRunningStages: 1 }, status);
  expect(await stages.saveStageStatus({ now: 0, stage, attempts: [] }, status)).toBe(false);
  expect(asked).toEqual([]);
});

test('an approval that came after the look at a pipeline is not taken back with the wish to run again', async () => {
  const { asked, pipelines } = shells({ ...pipeline, metadata: { ...pipeline.metadata, resourceVersion: '9' } });
  const observed = { now: 0, pipeline, stages: [], maxRunningStages: 1 };
  await expect(pipelines.applyToPipeline(observed, { kind: 'ClearRerun', annotations: {} })).rejects.toThrow('asked');
  const { resourceVersion } = pipeline.metadata;
  expect(asked).toMatchObject([['mergePatch', {}, {}, { metadata: { resourceVersion } }]]);
});
