import { expect, test } from '@jest/globals';
import { findCondition, type ConditionType } from '../../../operator/api/resources/conditions.ts';
import type { R1Stage } from '../../../operator/api/resources/stage.ts';
import { decidePipeline } from '../../../operator/core/pipeline/decide-pipeline.ts';
import { decideStage } from '../../../operator/core/stage/decide-stage.ts';
import { created, now } from '../../support/stages.ts';
import { ended, live, spec, start, stop } from './observed-stage.ts';
import { pipeline } from './pipeline-case.ts';

const pretrained = created(pipeline, [], 'pretrained');
const pending = { ...live, state: 'pending' as const, gpus: 1 };
const waiting = { waiting: 'image nowhere/nothing cannot be pulled', waitingReason: 'ImageUnavailable' as const };
const statusOf = (stage: R1Stage, attempts = [{ ...pending, ...waiting }]) =>
  decideStage({ now, stage, attempts }).status;
const pipelineOver = (stage: R1Stage) =>
  decidePipeline({ now, pipeline, stages: [{ ...stage, status: statusOf(stage) }], maxRunningStages: 1 }).status;
const condition = (status: { conditions: Parameters<typeof findCondition>[0] }, type: ConditionType) =>
  findCondition(status.conditions, type)?.status;

test.each([
  { reason: 'ImageUnavailable', state: 'ImageUnavailable' },
  { reason: 'VolumeUnavailable', state: 'VolumeUnavailable' },
  { reason: 'SecretUnavailable', state: 'SecretUnavailable' },
  { reason: 'Unschedulable', state: 'Unschedulable' },
  { reason: 'Queued', state: 'Queued' },
] as const)('a pipeline whose stage is $reason says so, in the words of its stage', ({ reason, state }) => {
  const attempts = [{ ...pending, waiting: 'in words', waitingReason: reason }];
  const stage = { ...pretrained, status: statusOf(pretrained, attempts as never) };
  const { status } = decidePipeline({ now, pipeline, stages: [stage], maxRunningStages: 1 });
  expect(status.display).toMatchObject({ state, message: 'stage pretrained: attempt 1 waits: in words' });
  expect(condition(status, 'Waiting')).toBe('True');
});

test('a pipeline of which nothing runs yet is pending', () => {
  const stage = { ...pretrained, status: statusOf(pretrained, [pending] as never) };
  const { status } = decidePipeline({ now, pipeline, stages: [stage], maxRunningStages: 1 });
  expect(status.display?.state).toBe('Pending');
  expect(condition(status, 'Waiting')).toBeUndefined();
});

test('it can be waited for that a stage and its pipeline wait or fail, and both pass', () => {
  expect(condition(statusOf(pretrained), 'Waiting')).toBe('True');
  expect(condition(pipelineOver(pretrained), 'Waiting')).toBe('True');
  const waited = { ...pretrained, status: statusOf(pretrained) };
  expect(condition(statusOf(waited, [live] as never), 'Waiting')).toBe('False');
  const failed = statusOf(waited, [ended({ exit: { code: 64, detail: 'bad data' } })] as never);
  expect([condition(failed, 'Failed'), condition(failed, 'Waiting')]).toEqual(['True', 'False']);
  const retried = {
    ...waited,
    metadata: { ...waited.metadata, annotations: { 'r1.dev/forgiven-attempts': '1' } },
    status: failed,
  };
  expect(condition(decideStage({ now, stage: retried, attempts: [] }).status, 'Failed')).toBe('False');
});

test('an attempt waits for ever, or as long as startDeadlineSeconds says', () => {
  const old = { ...pending, ...waiting, startedAt: now - 60_000 };
  const decide = (seconds?: number) => {
    const stage = seconds === undefined ? pretrained : spec({ startDeadlineSeconds: seconds });
    return decideStage({ now, stage, attempts: [old] });
  };
  expect(decide()).toMatchObject({ actions: [] });
  expect(decide().recheckAfterMs).toBeUndefined();
  expect(decide(90)).toMatchObject({ actions: [], recheckAfterMs: 30_000 });
  const stopped = decide(60);
  expect(stopped.actions).toEqual([stop('startDeadline')]);

  const stage = { ...spec({ startDeadlineSeconds: 60 }), status: stopped.status };
  const gone = ended({ startedAt: now, endedAt: now, stopping: 'startDeadline', exit: { signal: 'SIGKILL' } });
  const { actions, status } = decideStage({ now, stage, attempts: [gone] });
  expect(actions).toEqual([]);
  expect(findCondition(status.conditions, 'Succeeded')).toMatchObject({
    status: 'False',
    reason: 'DeadlineExceeded',
    message: `did not start within startDeadlineSeconds: ${waiting.waiting}`,
  });
  const again = { ...stage, metadata: { ...stage.metadata, annotations: { 'r1.dev/forgiven-attempts': '1' } }, status };
  expect(decideStage({ now, stage: again, attempts: [] }).actions).toEqual([start(2)]);
});
