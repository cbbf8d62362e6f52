import { expect, test } from '@jest/globals';
import { decidePipeline } from '../../../../operator/core/pipeline/decide-pipeline.ts';
import { fourStages, pipelineOf } from '../../../support/pipelines.ts';
import { attempt, created, now, succeeded, withStatus } from '../../../support/stages.ts';
import { type Case, expectDecision, pipeline } from '../pipeline-case.ts';

const two = succeeded(pipeline, ['pretrained', 'zero']);
const running = withStatus(created(pipeline, [], 'pretrained'), 'running');
const suspended = pipelineOf(`${fourStages}suspend: true`);
const twoRoots = pipelineOf(fourStages.replace('{from: pretrained}', '{init: {}}'));
const twoBranches = `
seed: 3
base: {init: {}}
datasets: [{name: sums, generator: {task: addition}}]
stages:
  - {name: pretrained, pretrain: {data: [sums], steps: 3}}
  - {name: zero, model: {from: pretrained}, grpo: {prompts: [sums], steps: 3, rewards: [{accuracy: {}}]}}
  - {name: judge, pretrain: {data: [sums], steps: 9}}
`;
const only = { ...pipeline, spec: { ...pipeline.spec, stages: pipeline.spec.stages.slice(0, 1) } };
const leftManifest = { ...two[1]!, metadata: { name: 'test-old' }, spec: { ...two[1]!.spec, stage: 'old' } };
const budgeted = pipelineOf(`${fourStages}budget: {hours: 1}`);

test.each<Case>([
  {
    name: 'creates the first stage',
    given: {},
    actions: ['create pretrained'],
    condition: ['Unknown', 'Pending', 'stage pretrained is next'],
    states: ['Pending', 'Waiting', 'Waiting', 'Waiting'],
  },
  {
    name: 'waits while it runs',
    given: { stages: [running] },
    condition: ['Unknown', 'StageRunning', 'stage pretrained: it has running'],
    states: ['Running', 'Waiting', 'Waiting', 'Waiting'],
  },
  {
    name: 'creates the next stage',
    given: { stages: two },
    actions: ['create samples'],
    condition: ['Unknown', 'Pending'],
  },
  {
    name: 'creates only one of two stages that are ready where one may run',
    given: { pipeline: twoRoots },
    actions: ['create pretrained'],
    condition: ['Unknown', 'Pending'],
    states: ['Pending', 'Pending', 'Waiting', 'Waiting'],
  },
  {
    name: 'creates both where two may run',
    given: { pipeline: twoRoots, maxRunningStages: 2 },
    actions: ['create pretrained', 'create zero'],
    condition: ['Unknown', 'Pending', 'stage pretrained, zero is next'],
  },
  {
    name: 'succeeds when all stages have',
    given: { stages: succeeded(pipeline, ['pretrained', 'zero', 'samples', 'student']) },
    condition: ['True', 'Completed', 'all 4 stages have succeeded'],
    states: ['Succeeded', 'Succeeded', 'Succeeded', 'Succeeded'],
  },
  {
    name: 'succeeds with its only stage',
    given: { pipeline: only, stages: succeeded(only, ['pretrained']) },
    condition: ['True', 'Completed', 'the stage has succeeded'],
    states: ['Succeeded'],
  },
  {
    name: 'fails with a failed stage and starts nothing more',
    given: { stages: [withStatus(created(pipeline, [], 'pretrained'), 'failed')] },
    condition: ['False', 'StageFailed', 'stage pretrained failed (RetriesExhausted): it has failed'],
    states: ['Failed', 'Skipped', 'Skipped', 'Skipped'],
  },
  {
    name: 'tries a failed stage again once its manifest is corrected',
    given: {
      pipeline: pipelineOf(fourStages.replace('steps: 3}}', 'steps: 3}, resources: {limits: {memory: 64Gi}}}')),
      stages: [withStatus(created(pipeline, [], 'pretrained'), 'failed')],
    },
    actions: ['update pretrained'],
    condition: ['Unknown', 'Pending', 'stage pretrained is tried again with the settings that are asked for now'],
  },
  {
    name: 'lets other stages end before it fails',
    given: {
      pipeline: twoRoots,
      stages: [
        withStatus(created(twoRoots, [], 'pretrained'), 'failed'),
        withStatus(created(twoRoots, [], 'zero'), 'running'),
      ],
    },
    condition: ['Unknown', 'StageRunning', expect.stringMatching(/; zero may still end$/)],
  },
  {
    name: 'suspends stages with the pipeline',
    given: { pipeline: suspended, stages: [running] },
    actions: ['suspend test-pretrained'],
    condition: ['Unknown', 'AttemptStopping'],
  },
  {
    name: 'resumes them',
    given: { stages: [{ ...running, spec: { ...running.spec, suspend: true } }] },
    actions: ['resume test-pretrained'],
    condition: ['Unknown', 'StageRunning'],
  },
  {
    name: 'suspends stages when the budget is spent',
    given: {
      pipeline: budgeted,
      stages: [withStatus(created(budgeted, [], 'pretrained'), 'running', { runSeconds: 3600 })],
    },
    actions: ['suspend test-pretrained'],
    condition: ['Unknown', 'AttemptStopping', 'the budget of 1 hours is spent; running stages save and end'],
  },
  {
    name: 'fails when the budget is spent and nothing runs',
    given: { pipeline: budgeted, stages: succeeded(budgeted, ['pretrained'], { runSeconds: 3601 }) },
    condition: ['False', 'BudgetExhausted', 'the budget of 1 hours is spent'],
  },
  {
    name: 'refuses other settings for finished work',
    given: {
      pipeline: pipelineOf(fourStages.replace('seed: 3', 'seed: 4')),
      stages: two,
    },
    condition: [
      'False',
      'StageChanged',
      'stage pretrained has finished with other settings (seed: 3 → 4); zero changed, too; restore them, run again from pretrained on (r1 run FILE --rerun-from pretrained; on a cluster: r1 rerun test --from pretrained), or give the pipeline another name',
    ],
  },
  {
    name: 'names all stages that changed, and the first of each branch as those to run again',
    given: {
      pipeline: pipelineOf(twoBranches.replace('seed: 3', 'seed: 4')),
      stages: succeeded(pipelineOf(twoBranches), ['pretrained', 'zero', 'judge']),
    },
    condition: [
      'False',
      'StageChanged',
      'stage pretrained has finished with other settings (seed: 3 → 4); zero, judge changed, too; restore them, run again from pretrained and judge on (r1 run FILE --rerun-from pretrained --rerun-from judge; on a cluster: r1 rerun test --from pretrained --from judge), or give the pipeline another name',
    ],
    states: ['Changed', 'Changed', 'Changed'],
  },
  {
    name: 'refuses other settings while a stage runs',
    given: { pipeline: pipelineOf(fourStages.replace('seed: 3', 'seed: 4')), stages: [running] },
    condition: ['False', 'StageChanged', expect.stringContaining('has begun with other settings (seed: 3 → 4)')],
  },
  {
    name: 'gives new settings to a stage that has not done anything',
    given: {
      pipeline: pipelineOf(fourStages.replace('seed: 3', 'seed: 4')),
      stages: [
        withStatus(created(pipeline, [], 'pretrained'), 'running', { attempts: [attempt(1, { outcome: 'Failed' })] }),
      ],
    },
    actions: ['update pretrained'],
    condition: ['Unknown', 'Pending'],
  },
  {
    name: 'gives a running stage settings that do not decide its result',
    given: {
      pipeline: pipelineOf(fourStages.replace('steps: 3}}', 'steps: 3}, deadlineSeconds: 9}')),
      stages: [running],
    },
    actions: ['update pretrained'],
    condition: ['Unknown', 'StageRunning'],
  },
  {
    name: 'suspends a stage that left the manifest',
    given: { stages: [...two, withStatus(leftManifest, 'running')] },
    actions: ['suspend test-old'],
    condition: ['Unknown', 'AttemptStopping', 'stage old left the manifest'],
  },
  {
    name: 'looks again when the budget will be spent',
    given: { pipeline: budgeted, stages: [running] },
    condition: ['Unknown', 'StageRunning'],
    recheckAfterMs: 3_540_000,
  },
  {
    name: 'fails where its manifest cannot be run',
    given: { problem: 'spec.datasets[0].file: found "a.jsonl", which lies on none of spec.volumes' },
    condition: ['False', 'UserError', 'spec.datasets[0].file: found "a.jsonl", which lies on none of spec.volumes'],
    states: ['Skipped', 'Skipped', 'Skipped', 'Skipped'],
  },
  {
    name: 'waits with a stage whose creation was refused, and says why',
    given: { refusal: { message: 'exceeded quota: storage', until: now + 9000 } },
    condition: ['Unknown', 'Refused', 'exceeded quota: storage'],
    recheckAfterMs: 9000,
  },
  {
    name: 'waits with new settings of a stage that were refused, and says why',
    given: {
      pipeline: pipelineOf(fourStages.replace('steps: 3}}', 'steps: 3}, resources: {limits: {memory: 64Gi}}}')),
      stages: [withStatus(created(pipeline, [], 'pretrained'), 'failed')],
      refusal: { message: 'denied by policy', until: now + 9000 },
    },
    condition: ['Unknown', 'Refused', 'denied by policy'],
    recheckAfterMs: 9000,
  },
])('$name', expectDecision);

test('what failed before a correction no longer counts', () => {
  const failed = withStatus(created(pipeline, [], 'pretrained'), 'failed', {
    attempts: [attempt(1, { outcome: 'Failed' }), attempt(2, { outcome: 'Failed' })],
  });
  const corrected = pipelineOf(fourStages.replace('steps: 3}}', 'steps: 3}, workers: 1}'));
  const { actions } = decidePipeline({ now, pipeline: corrected, stages: [failed], maxRunningStages: 1 });
  expect(actions).toMatchObject([
    { stage: { metadata: { annotations: { 'r1.dev/forgiven-attempts': '2' } }, spec: { workers: 1 } } },
  ]);
});

test('says in words what a stage waits for', () => {
  const { status } = decidePipeline({ now, pipeline, stages: [running], maxRunningStages: 1 });
  expect(status.stages.map(({ message }) => message)).toEqual([
    'it has running',
    'waits for pretrained',
    'waits for zero',
    'waits for samples',
  ]);
});

test('pins the output of earlier stages in the stages that use it', () => {
  const stages = succeeded(pipeline, ['pretrained', 'zero', 'samples']);
  const [pretrained, , samples] = stages.map(({ status }) => status?.checkpoint);
  expect(stages[1]?.spec.model).toEqual({
    input: { stage: 'pretrained', path: 'step-000003', digest: pretrained?.digest },
  });
  const student = created(pipeline, stages, 'student');
  expect(student.spec.model).toMatchObject({ init: { hiddenSize: 64 } });
  expect(student.spec.inputs).toEqual([{ stage: 'samples', path: 'step-000003', digest: samples?.digest }]);
  expect(student.spec.datasets).toEqual([]);
});

test('the same observation gives the same decision', () => {
  const observed = { now, pipeline, stages: two, maxRunningStages: 1 };
  expect(decidePipeline(observed)).toEqual(decidePipeline(structuredClone(observed)));
});
