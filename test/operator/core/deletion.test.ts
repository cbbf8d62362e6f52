import { expect, test } from '@jest/globals';
import type { R1Pipeline } from '../../../operator/api/resources/pipeline.ts';
import type { R1Stage } from '../../../operator/api/resources/stage.ts';
import { isGoing } from '../../../operator/core/deletion.ts';
import { decideStage } from '../../../operator/core/stage/decide-stage.ts';
import { created, now, succeeded, timeAt, withStatus } from '../../support/stages.ts';
import { live, stop } from './observed-stage.ts';
import { type Case, expectDecision, annotated, pipeline } from './pipeline-case.ts';

const deleted = <T extends R1Pipeline | R1Stage>(object: T, ...finalizers: string[]): T => ({
  ...object,
  metadata: { ...object.metadata, deletionTimestamp: timeAt(5), finalizers },
});
const held = 'it is being deleted, which finalizer example.com/hold holds up';
const running = withStatus(created(pipeline, [], 'pretrained'), 'running');

test.each<{ name: string; finalizers: string[]; going: boolean }>([
  { name: 'nobody holds', finalizers: [], going: true },
  { name: 'takes what it owns along', finalizers: ['foregroundDeletion'], going: true },
  { name: 'leaves what it owns', finalizers: ['orphan', 'example.com/hold'], going: true },
  { name: 'somebody holds', finalizers: ['example.com/hold'], going: false },
  { name: 'somebody holds, and that takes what it owns along', finalizers: ['foregroundDeletion', 'b'], going: false },
])('an object that is being deleted and $name is as good as gone: $going', ({ finalizers, going }) => {
  expect(isGoing(deleted(pipeline, ...finalizers).metadata)).toBe(going);
  expect(isGoing({ finalizers })).toBe(false);
});

test.each<Case>([
  {
    name: 'has its stages save and end',
    given: { pipeline: deleted(pipeline, 'example.com/hold'), stages: [running] },
    actions: ['suspend test-pretrained'],
    condition: ['Unknown', 'AttemptStopping', `${held}; pretrained saves and ends`],
  },
  {
    name: 'starts nothing',
    given: { pipeline: deleted(pipeline, 'example.com/hold'), stages: succeeded(pipeline, ['pretrained']) },
    condition: ['Unknown', 'Suspended', held],
  },
  {
    name: 'has succeeded all the same',
    given: {
      pipeline: deleted(pipeline, 'example.com/hold'),
      stages: succeeded(pipeline, ['pretrained', 'zero', 'samples', 'student']),
    },
    condition: ['True', 'Completed'],
  },
  {
    name: 'has failed all the same',
    given: {
      pipeline: deleted(pipeline, 'example.com/hold'),
      stages: [withStatus(created(pipeline, [], 'pretrained'), 'failed')],
    },
    condition: ['False', 'StageFailed'],
  },
])('a pipeline whose deletion somebody holds up $name', expectDecision);

test('what runs again says which stage it waits for, and who holds it', () => {
  const stages = [deleted(succeeded(pipeline, ['pretrained'])[0]!, 'a', 'b')];
  const again = { ...annotated({ 'r1.dev/rerun-from': 'pretrained' }) };
  expectDecision({
    name: '',
    given: { pipeline: again, stages },
    condition: [
      'Unknown',
      'RunningAgain',
      expect.stringMatching(/; R1Stage test-pretrained: it is being deleted, which finalizers a, b hold up$/),
    ],
  });
});

test('a stage whose deletion somebody holds up ends what runs of it, and starts nothing', () => {
  const stage = deleted(running, 'example.com/hold');
  const ending = decideStage({ now, stage, attempts: [live] });
  expect(ending.actions).toEqual([stop('suspended')]);
  const ended = decideStage({
    now,
    stage: deleted(created(pipeline, [], 'pretrained'), 'example.com/hold'),
    attempts: [],
  });
  expect(ended.actions).toEqual([]);
  expect(ended.status.conditions[0]).toMatchObject({ status: 'Unknown', reason: 'Suspended', message: held });
});
