import { expect, test } from '@jest/globals';
import type { R1Pipeline } from '../../../operator/api/resources/pipeline.ts';
import type { R1Stage } from '../../../operator/api/resources/stage.ts';
import { decidePipeline } from '../../../operator/core/pipeline/decide-pipeline.ts';
import { fourStages, pipelineOf } from '../../support/pipelines.ts';
import { created, now, succeeded, timeAt, withStatus } from '../../support/stages.ts';
import { annotated, type Case, expectDecision, pipeline } from './pipeline-case.ts';

const two = succeeded(pipeline, ['pretrained', 'zero']);
const running = withStatus(created(pipeline, [], 'pretrained'), 'running');
const mortal = pipelineOf(`${fourStages}ttlSecondsAfterFinished: 100`);
const all = ['pretrained', 'zero', 'samples', 'student'];
const going = (stage: R1Stage): R1Stage => ({
  ...stage,
  metadata: { ...stage.metadata, deletionTimestamp: timeAt(1) },
});
const failed = withStatus(created(pipeline, [], 'pretrained'), 'failed');
const { status: begun } = decidePipeline({ now, pipeline, stages: [running], maxRunningStages: 1 });
const stored = (storage: string, state: 'running' | 'failed') => {
  const given = pipelineOf(`${fourStages}storage: ${storage}`);
  return { pipeline: { ...given, status: begun }, stages: [withStatus(created(given, [], 'pretrained'), state)] };
};
const unsaid = (given: ReturnType<typeof stored>) => ({ ...given, pipeline: { ...given.pipeline, status: undefined } });
const failedAgo = (more: string, seconds: number): R1Pipeline => {
  const given = pipelineOf(`${fourStages}${more}`);
  const { status } = decidePipeline({ now, pipeline: given, stages: [failed], maxRunningStages: 1 });
  return { ...given, status: { ...status, completedAt: timeAt(seconds) } };
};
const retained: R1Pipeline = { ...pipeline, status: { ...failedAgo('', 10).status!, volumeRetained: true } };
const endedAgo = (given: R1Pipeline, seconds: number): R1Pipeline => {
  const { status } = decidePipeline({ now, pipeline: given, stages: succeeded(given, all), maxRunningStages: 1 });
  return { ...given, status: { ...status, completedAt: timeAt(seconds) } };
};

test.each<Case>([
  {
    name: 'deletes a stage that is to run again, and all that use what it gives',
    given: { pipeline: annotated({ 'r1.dev/rerun-from': 'zero' }), stages: succeeded(pipeline, all) },
    actions: ['delete test-zero test-samples test-student'],
    condition: ['Unknown', 'RunningAgain', 'runs again from stage zero on: zero, samples, student'],
  },
  {
    name: 'deletes several at once, each with what uses it',
    given: { pipeline: annotated({ 'r1.dev/rerun-from': 'student, samples' }), stages: succeeded(pipeline, all) },
    actions: ['delete test-samples test-student'],
    condition: ['Unknown', 'RunningAgain', 'runs again from stage student and samples on: samples, student'],
  },
  {
    name: 'runs nothing again where one of several names is no stage',
    given: { pipeline: annotated({ 'r1.dev/rerun-from': 'zero,sample' }), stages: succeeded(pipeline, all) },
    condition: ['True', 'Completed', expect.stringContaining('found "sample", expected a stage')],
  },
  {
    name: 'deletes nothing twice',
    given: {
      pipeline: annotated({ 'r1.dev/rerun-from': 'samples' }),
      stages: succeeded(pipeline, all).map((stage) => (stage.spec.stage === 'samples' ? going(stage) : stage)),
    },
    actions: ['delete test-student'],
    condition: ['Unknown', 'RunningAgain'],
  },
  {
    name: 'creates nothing while objects of the same name are still going',
    given: {
      pipeline: annotated({ 'r1.dev/rerun-from': 'samples' }),
      stages: [...two, going(succeeded(pipeline, all)[2]!)],
    },
    condition: ['Unknown', 'RunningAgain'],
  },
  {
    name: 'takes the wish back when they are gone, with the approvals of the old results',
    given: {
      pipeline: annotated({
        'r1.dev/rerun-from': 'zero',
        'r1.dev/approved': 'pretrained, zero',
        'approved-by.r1.dev/zero': 'alice',
        'approved-by.r1.dev/pretrained': 'bob',
      }),
      stages: succeeded(pipeline, ['pretrained']),
    },
    actions: ['clear {"r1.dev/rerun-from":null,"approved-by.r1.dev/zero":null,"r1.dev/approved":"pretrained"}'],
    condition: ['Unknown', 'RunningAgain'],
  },
  {
    name: 'runs a stage again even if it has finished with other settings',
    given: {
      pipeline: {
        ...pipelineOf(fourStages.replace('prompts: [sums], steps: 3', 'prompts: [sums], steps: 4')),
        metadata: annotated({ 'r1.dev/rerun-from': 'zero' }).metadata,
      },
      stages: two,
    },
    actions: ['delete test-zero'],
    condition: ['Unknown', 'RunningAgain'],
  },
  {
    name: 'says that no stage is called what is to run again',
    given: { pipeline: annotated({ 'r1.dev/rerun-from': 'zeero' }), stages: [running] },
    condition: [
      'Unknown',
      'StageRunning',
      'stage pretrained: it has running; annotation r1.dev/rerun-from: found "zeero", expected a stage: pretrained, zero, samples, student',
    ],
  },
  {
    name: 'looks at a finished pipeline again when its time is over',
    given: { pipeline: endedAgo(mortal, 40), stages: succeeded(mortal, all) },
    condition: ['True', 'Completed'],
    recheckAfterMs: 60_000,
  },
  {
    name: 'deletes a finished pipeline when its time is over',
    given: { pipeline: endedAgo(mortal, 100), stages: succeeded(mortal, all) },
    actions: [
      'delete as it succeeded 100 seconds ago (spec.ttlSecondsAfterFinished); its checkpoints go with the claim test-volume (storage.retention: RetainFailed)',
    ],
    condition: ['True', 'Completed'],
  },
  {
    name: 'lets the end be seen even if no time is left',
    given: { pipeline: pipelineOf(`${fourStages}ttlSecondsAfterFinished: 0`), stages: succeeded(mortal, all) },
    condition: ['True', 'Completed'],
    recheckAfterMs: 100,
  },
  {
    name: 'keeps a pipeline that failed, whatever time one that succeeds has',
    given: { pipeline: failedAgo('ttlSecondsAfterFinished: 100', 1000), stages: [failed] },
    condition: ['False', 'StageFailed'],
  },
  {
    name: 'deletes one that failed when the time for that is over, and says why',
    given: { pipeline: failedAgo('ttlSecondsAfterFailed: 100', 100), stages: [failed] },
    actions: [
      'delete as it failed 100 seconds ago (spec.ttlSecondsAfterFailed); its checkpoints stay on the claim test-volume (storage.retention: RetainFailed)',
    ],
    condition: ['False', 'StageFailed'],
  },
  {
    name: 'keeps what a failed pipeline made, once it fails',
    given: { pipeline: { ...pipeline, status: begun }, stages: [failed] },
    volume: ['retained'],
    condition: ['False', 'StageFailed'],
  },
  {
    name: 'keeps it also if the pipeline fails before anything was said of it',
    given: { stages: [failed] },
    volume: ['retained'],
    condition: ['False', 'StageFailed'],
  },
  {
    name: 'lets its volume go with it where the manifest says so',
    given: stored('{retention: Delete}', 'failed'),
    volume: [],
    condition: ['False', 'StageFailed'],
  },
  {
    name: 'follows a manifest that asks for another retention later',
    given: stored('{retention: Retain}', 'running'),
    volume: ['retained'],
    condition: ['Unknown', expect.any(String) as unknown as string],
  },
  {
    name: 'lets the volume of a pipeline that goes on go with it again',
    given: { pipeline: { ...pipeline, status: { ...begun, volumeRetained: true } }, stages: [running] },
    volume: ['let go'],
    condition: ['Unknown', expect.any(String) as unknown as string],
  },
  {
    name: 'has a volume stay that may have been made before the manifest asked for that, though nothing was said of it yet',
    given: unsaid(stored('{retention: Retain}', 'running')),
    volume: ['retained'],
    condition: ['Unknown', expect.any(String) as unknown as string],
  },
  {
    name: 'says that a pipeline goes on before its volume may go with it: whoever deletes it meanwhile read that it stays',
    given: {
      pipeline: { ...pipeline, status: { ...failedAgo('', 10).status!, volumeRetained: true } },
      stages: [running],
    },
    volume: [],
    condition: ['Unknown', 'StageRunning'],
    recheckAfterMs: 1000,
  },
  {
    name: 'has the volume of a failed pipeline stay that goes with it, though it was said to stay',
    given: { pipeline: retained, stages: [failed], volume: { stays: false } },
    volume: ['retained'],
    condition: ['False', 'StageFailed'],
  },
  {
    name: 'leaves the volume of a failed pipeline that stays as it is, though nothing was said of it',
    given: { stages: [failed], volume: { stays: true } },
    volume: [],
    condition: ['False', 'StageFailed'],
  },
  {
    name: 'lets a volume go with its pipeline again that stays, though it was said to go',
    given: { pipeline: { ...pipeline, status: begun }, stages: [running], volume: { stays: true } },
    volume: ['let go'],
    condition: ['Unknown', expect.any(String) as unknown as string],
  },
  {
    name: 'does not ask at once for what the cluster has refused',
    given: { stages: [failed], volume: { stays: false, refusal: { message: 'no', until: now + 5000 } } },
    volume: [],
    condition: ['False', 'StageFailed'],
    recheckAfterMs: 5000,
  },
  {
    name: 'never touches a claim that somebody has brought',
    given: stored('{claimName: team}', 'failed'),
    volume: [],
    condition: ['False', 'StageFailed'],
  },
  {
    name: 'keeps a pipeline that is under way, whatever time it ended before',
    given: { pipeline: endedAgo(mortal, 1000), stages: [running] },
    condition: ['Unknown', 'StageRunning'],
  },
  {
    name: 'keeps a pipeline whose manifest does not fit its work, for a person to decide',
    given: {
      pipeline: {
        ...endedAgo(mortal, 1000),
        spec: pipelineOf(`${fourStages.replace('seed: 3', 'seed: 4')}ttlSecondsAfterFinished: 100`).spec,
      },
      stages: [running],
    },
    volume: ['retained'],
    condition: ['False', 'StageChanged'],
  },
])('$name', expectDecision);
