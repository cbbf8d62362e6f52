import { expect, test } from '@jest/globals';
import type { R1Stage } from '../../../operator/api/resources/stage.ts';
import { decidePipeline } from '../../../operator/core/pipeline/decide-pipeline.ts';
import { decideStage } from '../../../operator/core/stage/decide-stage.ts';
import { settingsDigest } from '../../../operator/core/settings-digest.ts';
import { fourStages, pipelineOf } from '../../support/pipelines.ts';
import { created, now, succeeded, withStatus } from '../../support/stages.ts';
import { ended, live, result, checkpoint, stop } from './observed-stage.ts';
import { type Case, expectDecision, pipeline } from './pipeline-case.ts';

const ofPipeline = (stage: R1Stage): R1Stage => ({
  ...stage,
  metadata: { ...stage.metadata, ownerReferences: [{ kind: 'R1Pipeline', name: 'test', uid: 'u' }] },
});
const edit = (stage: R1Stage): R1Stage => ({ ...stage, spec: { ...stage.spec, seed: 99 } });
const pretrained = ofPipeline(created(pipeline, [], 'pretrained'));
const running = edit(withStatus(pretrained, 'running'));
const finished = edit(withStatus(pretrained, 'succeeded'));
const [made] = succeeded(pipeline, ['pretrained']);
/** Its newest pass has seen that it was changed, and that nothing of it runs. */
const waiting = withCondition(edit(ofPipeline(created(pipeline, [made!], 'zero'))), 'Pending');

test.each<Case>([
  {
    name: 'puts back a stage that runs',
    given: { stages: [running] },
    actions: ['update pretrained'],
    condition: ['Unknown', 'StageRunning', 'stage pretrained: it has running'],
  },
  {
    name: 'puts back a finished stage, and goes on with what it gave',
    given: { stages: [finished] },
    actions: ['update pretrained', 'create zero'],
    condition: ['Unknown', 'Pending'],
  },
  {
    name: 'puts back a stage while the pipeline is suspended, which it stays',
    given: {
      pipeline: pipelineOf(`${fourStages}suspend: true`),
      stages: [{ ...running, spec: { ...running.spec, suspend: true } }],
    },
    actions: ['update pretrained'],
    condition: ['Unknown', 'AttemptStopping'],
  },
  {
    name: 'does not put it back again at once where that was refused',
    given: { stages: [running], refusal: { message: 'denied', until: now + 9000 } },
    condition: ['Unknown', 'Refused', 'denied'],
    recheckAfterMs: 9000,
  },
  {
    name: 'leaves it to a person where the manifest has changed, too',
    given: { pipeline: pipelineOf(fourStages.replace('seed: 3', 'seed: 4')), stages: [finished] },
    condition: ['False', 'StageChanged', expect.stringContaining('has finished with other settings')],
  },
  {
    name: 'fails for its problem, which keeps it from being put back, as nothing else comes to an end',
    given: { stages: [made!, waiting], problem: 'no such metric' },
    condition: ['False', 'UserError', 'no such metric'],
  },
  {
    name: 'makes an input again in the only place, which it leaves to it',
    given: { stages: [waiting] },
    actions: ['create pretrained'],
    condition: ['Unknown', 'Pending', 'stage pretrained is next'],
  },
  {
    name: 'does not take its place before it is known that nothing of it runs',
    given: { stages: [{ ...waiting, metadata: { ...waiting.metadata, generation: 3 } }] },
    condition: ['Unknown', 'Pending', expect.stringContaining('stage zero')],
  },
])('a pipeline $name', expectDecision);

function messageOf(stage: R1Stage): string | undefined {
  return decideStage({ now, stage, attempts: [] }).status.conditions[0]?.message;
}

function withCondition(stage: R1Stage, reason: 'Pending'): R1Stage {
  const { status } = decideStage({ now, stage, attempts: [] });
  expect(status.conditions[0]?.reason).toBe(reason);
  return { ...stage, status };
}

test('a stage of a pipeline that rests says whose wish that is, which the pipeline explains', () => {
  const rests = { ...pretrained, spec: { ...pretrained.spec, suspend: true } };
  expect(messageOf(rests)).toBe('suspended by pipeline test');
  const { ownerReferences: _, ...metadata } = rests.metadata;
  expect(messageOf({ ...rests, metadata })).toBe('suspended by spec.suspend');
});

test('what is put back is what the pipeline asks for, and whether it rests stays', () => {
  const stages = [{ ...running, spec: { ...running.spec, suspend: true } }];
  const suspended = pipelineOf(`${fourStages}suspend: true`);
  const { actions } = decidePipeline({ now, pipeline: suspended, stages, maxRunningStages: 1 });
  expect(actions).toMatchObject([{ kind: 'UpdateStage', stage: { spec: { seed: 3, suspend: true } } }]);
});

test.each<{ name: string; stage: R1Stage; attempts?: object[]; actions?: object[]; reason: string }>([
  { name: 'starts nothing', stage: edit(pretrained), reason: 'Pending' },
  {
    name: 'lets run what runs',
    stage: running,
    attempts: [{ ...live, settings: settingsDigest(pretrained.spec) }],
    reason: 'AttemptRunning',
  },
  {
    name: 'is not started again when it ends, and what it made is kept',
    stage: running,
    attempts: [
      ended({ exit: { code: 0 }, result: { ...result, checkpoint }, settings: settingsDigest(pretrained.spec) }),
    ],
    reason: 'Pending',
  },
  { name: 'stays finished', stage: finished, reason: 'Completed' },
  {
    name: 'ends when it is suspended',
    stage: { ...running, spec: { ...running.spec, suspend: true } },
    attempts: [live],
    actions: [stop('suspended')],
    reason: 'AttemptStopping',
  },
])('a stage that was changed by hand $name', ({ stage, attempts = [], actions = [], reason }) => {
  const decision = decideStage({ now, stage, attempts: attempts as (typeof live)[] });
  expect(decision.actions).toEqual(actions);
  expect(decision.status.conditions[0]).toMatchObject({ type: 'Succeeded', reason });
  if (attempts.some((each) => 'result' in each)) expect(decision.status.attempts[0]?.outcome).toBe('Succeeded');
});

test('a stage that ended while it was changed by hand has its result once it is put back', () => {
  const whole = { exit: { code: 0 }, result: { ...result, checkpoint }, settings: settingsDigest(pretrained.spec) };
  const changed = decideStage({ now, stage: running, attempts: [ended(whole)] });
  const back = decideStage({ now, stage: { ...pretrained, status: changed.status }, attempts: [] });
  expect(back.status).toMatchObject({ conditions: [{ status: 'True' }], checkpoint, metrics: result.metrics });
});

test('a copy of a stage that no pipeline owns asks for what it likes', () => {
  const { ownerReferences: _, ...metadata } = pretrained.metadata;
  const { actions } = decideStage({ now, stage: edit({ ...pretrained, metadata }), attempts: [] });
  expect(actions).toMatchObject([{ kind: 'StartAttempt' }]);
});

test('a stage of its own that is asked for more has not succeeded with it', () => {
  const [before] = succeeded(pipeline, ['pretrained']);
  const longer = { ...before!, spec: { ...before!.spec, pretrain: { ...before!.spec.pretrain!, steps: 30 } } };
  const { actions, status } = decideStage({ now, stage: longer, attempts: [] });
  expect(status.conditions[0]?.status).toBe('Unknown');
  expect(actions).toMatchObject([{ kind: 'StartAttempt', attempt: 2 }]);
});
