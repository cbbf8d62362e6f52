import { expect, test } from '@jest/globals';
import { findCondition } from '../../../operator/api/resources/conditions.ts';
import { decidePipeline } from '../../../operator/core/pipeline/decide-pipeline.ts';
import { fourStages, pipelineOf } from '../../support/pipelines.ts';
import { attempt, created, now, succeeded, timeAt, withStatus } from '../../support/stages.ts';
import { type Case, expectDecision, pipeline } from './pipeline-case.ts';

const otherSeed = fourStages.replace('seed: 3', 'seed: 4');
const running = withStatus(created(pipeline, [], 'pretrained'), 'running');
const hourAgo = { attempts: [attempt(1, { startedAt: timeAt(3600) })] };
const roots = pipelineOf(fourStages.replace('{from: pretrained}', '{init: {}}'));
const [made] = succeeded(pipeline, ['pretrained']);
const waiting = (stages = [made!]) =>
  withStatus(created(pipeline, stages, 'zero'), 'running', {
    conditions: [
      {
        type: 'Succeeded',
        status: 'Unknown',
        reason: 'WaitingForInputs',
        message: 'waits for pretrained, which is run again',
        lastTransitionTime: timeAt(5),
      },
    ],
    attempts: [attempt(1, { outcome: 'Failed', class: 'infrastructure', endedAt: timeAt(5) })],
  });

test.each<Case>([
  {
    name: 'suspends what runs although another manifest is asked for',
    given: { pipeline: pipelineOf(`${otherSeed}suspend: true`), stages: [running] },
    actions: ['suspend test-pretrained'],
    condition: ['False', 'StageChanged'],
  },
  {
    name: 'stops what runs on a spent budget although another manifest is asked for',
    given: {
      pipeline: pipelineOf(`${otherSeed}budget: {hours: 1}`),
      stages: [withStatus(created(pipeline, [], 'pretrained'), 'running', hourAgo)],
    },
    actions: ['suspend test-pretrained'],
    condition: ['False', 'StageChanged'],
  },
  {
    name: 'looks again when the budget will be spent although another manifest is asked for',
    given: { pipeline: pipelineOf(`${otherSeed}budget: {hours: 1}`), stages: [running] },
    condition: ['False', 'StageChanged'],
    recheckAfterMs: 3_540_000,
  },
  {
    name: 'stops what runs on a spent budget although another stage has failed',
    given: {
      pipeline: { ...roots, spec: { ...roots.spec, budget: { hours: 1 } } },
      stages: [
        withStatus(created(roots, [], 'pretrained'), 'failed'),
        withStatus(created(roots, [], 'zero'), 'running', hourAgo),
      ],
    },
    actions: ['suspend test-zero'],
    condition: ['Unknown', 'StageRunning', expect.stringMatching(/; zero may still end$/)],
  },
  {
    name: 'counts what a stage spent that has left the manifest',
    given: {
      pipeline: pipelineOf(`${fourStages}budget: {hours: 1}`),
      stages: [
        ...succeeded(pipeline, ['pretrained']),
        ...succeeded(pipeline, ['pretrained'], { runSeconds: 3600 }),
      ].map((stage, at) =>
        at === 0 ? stage : { ...stage, metadata: { name: 'test-old' }, spec: { ...stage.spec, stage: 'old' } },
      ),
    },
    condition: ['False', 'BudgetExhausted'],
  },
  {
    name: 'does not say that it succeeded while other figures are asked for, even if suspended',
    given: {
      pipeline: pipelineOf(`${fourStages}defaults: {evaluation: {data: [sums]}}\nsuspend: true`),
      stages: succeeded(pipeline, ['pretrained', 'zero', 'samples', 'student']),
    },
    condition: ['Unknown', 'Suspended'],
  },
  {
    name: 'fails for its problem although a name in it is lost',
    given: {
      pipeline: {
        ...pipeline,
        spec: { ...pipeline.spec, stages: [{ ...pipeline.spec.stages[0]!, model: { from: 'lost' } }] },
      },
      problem: 'found "lost"',
    },
    condition: ['False', 'UserError', 'found "lost"'],
  },
  {
    name: 'makes an input again whose reader waits for it, where one stage may run',
    given: { stages: [waiting()] },
    actions: ['create pretrained'],
    condition: ['Unknown', 'WaitingForInputs', 'stage pretrained is next'],
  },
  {
    name: 'keeps the place of a stage that waits for its input against all other stages',
    given: {
      pipeline: pipelineOf(
        fourStages.replace(/(.*student.*)/, '$1\n  - {name: other, pretrain: {data: [sums], steps: 9}}'),
      ),
      stages: [withStatus(made!, 'running', { attempts: [attempt(1)] }), waiting()],
    },
    condition: ['Unknown', 'StageRunning'],
  },
  {
    name: 'fails with the stage that a waiting one waits for',
    given: { stages: [withStatus(made!, 'failed'), waiting()] },
    condition: ['False', 'StageFailed'],
  },
])('$name', expectDecision);

test('is suspended once nothing runs, as far as a status can know that is as new as the wish', () => {
  const suspended = pipelineOf(`${fourStages}suspend: true`);
  const told = {
    ...running,
    spec: { ...running.spec, suspend: true },
    metadata: { ...running.metadata, generation: 4 },
  };
  const restingAt = (observedGeneration: number) => ({
    ...told,
    status: {
      ...withStatus(told, 'running').status!,
      attempts: [],
      observedGeneration,
      conditions: [
        {
          type: 'Succeeded',
          status: 'Unknown' as const,
          reason: 'Suspended',
          message: '',
          lastTransitionTime: timeAt(9),
        },
      ],
    },
  });
  const statusOf = (stage: typeof told) => {
    const { status } = decidePipeline({ now, pipeline: suspended, stages: [stage], maxRunningStages: 1 });
    return [findCondition(status.conditions, 'Suspended')?.status, status.display?.state];
  };
  expect(statusOf(told)).toEqual(['False', 'Stopping']);
  expect(statusOf(restingAt(2))).toEqual(['False', 'Stopping']);
  expect(statusOf(restingAt(4))).toEqual(['True', 'Suspended']);
});
