import { expect, test } from '@jest/globals';
import type { R1Pipeline } from '../../../operator/api/pipeline.ts';
import type { R1Stage } from '../../../operator/api/stage.ts';
import { decidePipeline, type PipelineAction } from '../../../operator/core/decide-pipeline.ts';
import type { PipelineObserved } from '../../../operator/core/observed.ts';
import { fourStages, pipelineOf } from '../../support/pipelines.ts';
import { attempt, created, now, succeeded, timeAt, withStatus } from '../../support/stages.ts';

const pipeline = pipelineOf(fourStages);
const gated = (gate: string) => pipelineOf(fourStages.replace('steps: 3}}', `steps: 3}, gate: ${gate}}`));
const metrics = { 'eval/pass@1': 0.4 };

function brief(action: PipelineAction): string {
  switch (action.kind) {
    case 'CreateStage':
      return `create ${action.stage.spec.stage}`;
    case 'UpdateStage':
      return `update ${action.stage.spec.stage}`;
    case 'SuspendStage':
      return `${action.suspend ? 'suspend' : 'resume'} ${action.name}`;
    case 'DeleteStages':
      return `delete ${action.names.join(' ')}`;
    case 'ClearRerun':
      return `clear ${JSON.stringify(action.annotations)}`;
    case 'DeletePipeline':
      return 'delete';
  }
}

interface Case {
  readonly name: string;
  readonly given: Partial<PipelineObserved>;
  readonly actions?: string[];
  readonly condition: [status: string, reason: string, message?: unknown];
  readonly states?: string[];
  readonly recheckAfterMs?: number;
}

const two = succeeded(pipeline, ['pretrained', 'zero']);
const running = withStatus(created(pipeline, [], 'pretrained'), 'running');
const suspended = pipelineOf(`${fourStages}suspend: true`);
const twoRoots = pipelineOf(fourStages.replace('{from: pretrained}', '{init: {}}'));
const rollback = gated('{metric: eval/pass@1, atLeast: 0.5, onFailure: Rollback}');
const waiting = gated('{metric: eval/pass@1, atLeast: 0.5, onFailure: Wait}');
const budgeted = pipelineOf(`${fourStages}budget: {hours: 1}`);
const approval = gated('{approval: true}');
const mortal = pipelineOf(`${fourStages}ttlSecondsAfterFinished: 100`);
const all = ['pretrained', 'zero', 'samples', 'student'];
const annotated = (annotations: Record<string, string>): R1Pipeline => ({
  ...pipeline,
  metadata: { name: 'test', annotations },
});
const going = (stage: R1Stage): R1Stage => ({
  ...stage,
  metadata: { ...stage.metadata, deletionTimestamp: timeAt(1) },
});
const endedAgo = (given: R1Pipeline, seconds: number): R1Pipeline => {
  const { status } = decidePipeline({ now, pipeline: given, stages: succeeded(given, all), maxRunningStages: 1 });
  return { ...given, status: { ...status, completedAt: timeAt(seconds) } };
};

test.each<Case>([
  {
    name: 'creates the first stage',
    given: {},
    actions: ['create pretrained'],
    condition: ['Unknown', 'StageRunning', 'stage pretrained is next'],
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
    condition: ['Unknown', 'StageRunning'],
  },
  {
    name: 'creates only one of two stages that are ready where one may run',
    given: { pipeline: twoRoots },
    actions: ['create pretrained'],
    condition: ['Unknown', 'StageRunning'],
    states: ['Pending', 'Pending', 'Waiting', 'Waiting'],
  },
  {
    name: 'creates both where two may run',
    given: { pipeline: twoRoots, maxRunningStages: 2 },
    actions: ['create pretrained', 'create zero'],
    condition: ['Unknown', 'StageRunning', 'stage pretrained, zero is next'],
  },
  {
    name: 'succeeds when all stages have',
    given: { stages: succeeded(pipeline, ['pretrained', 'zero', 'samples', 'student']) },
    condition: ['True', 'Completed', 'all 4 stages have succeeded'],
    states: ['Succeeded', 'Succeeded', 'Succeeded', 'Succeeded'],
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
    condition: ['Unknown', 'StageRunning', 'stage pretrained is tried again with the settings that are asked for now'],
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
    condition: ['Unknown', 'Suspended'],
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
    condition: ['Unknown', 'StageRunning', 'the budget of 1 hours is spent; running stages save and end'],
  },
  {
    name: 'fails when the budget is spent and nothing runs',
    given: { pipeline: budgeted, stages: succeeded(budgeted, ['pretrained'], { runSeconds: 3601 }) },
    condition: ['False', 'BudgetExhausted', 'the budget of 1 hours is spent'],
  },
  {
    name: 'refuses other settings for finished work',
    given: {
      pipeline: pipelineOf(
        fourStages.replace('pretrain: {data: [sums], steps: 3', 'pretrain: {data: [sums], steps: 4'),
      ),
      stages: two,
    },
    condition: ['False', 'StageChanged', expect.stringContaining('(pretrain.steps: 3 → 4); restore them')],
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
    condition: ['Unknown', 'StageRunning'],
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
    name: 'fails at a closed gate',
    given: {
      pipeline: gated('{metric: eval/pass@1, atLeast: 0.5}'),
      stages: succeeded(pipeline, ['pretrained'], { metrics }),
    },
    condition: [
      'False',
      'GateFailed',
      'the gate of stage pretrained failed: eval/pass@1 is 0.4, at least 0.5 was asked',
    ],
    states: ['Succeeded', 'Skipped', 'Skipped', 'Skipped'],
  },
  {
    name: 'a metric that was not measured keeps a gate closed',
    given: { pipeline: gated('{metric: eval/pass@1, atMost: 0.5}'), stages: succeeded(pipeline, ['pretrained']) },
    condition: ['False', 'GateFailed', expect.stringContaining('eval/pass@1 was not measured, at most 0.5 was asked')],
  },
  {
    name: 'goes on behind a gate that only records',
    given: {
      pipeline: gated('{metric: eval/pass@1, atLeast: 0.5, onFailure: Continue}'),
      stages: succeeded(pipeline, ['pretrained'], { metrics }),
    },
    actions: ['create zero'],
    condition: ['Unknown', 'StageRunning'],
  },
  {
    name: 'waits at a gate for a person',
    given: { pipeline: waiting, stages: succeeded(pipeline, ['pretrained'], { metrics }) },
    condition: ['Unknown', 'WaitingForApproval', expect.stringContaining('waits for approval')],
    states: ['Waiting', 'Waiting', 'Waiting', 'Waiting'],
  },
  {
    name: 'goes on once a person has approved',
    given: {
      pipeline: { ...waiting, metadata: { name: 'test', annotations: { 'r1.dev/approved': 'other, pretrained' } } },
      stages: succeeded(pipeline, ['pretrained'], { metrics }),
    },
    actions: ['create zero'],
    condition: ['Unknown', 'StageRunning'],
  },
  {
    name: 'waits for a person where a gate asks for one',
    given: { pipeline: approval, stages: succeeded(pipeline, ['pretrained']) },
    condition: ['Unknown', 'WaitingForApproval', 'gate of stage pretrained: waits for approval'],
    states: ['Waiting', 'Waiting', 'Waiting', 'Waiting'],
  },
  {
    name: 'shows the person the metric that the gate names',
    given: {
      pipeline: gated('{approval: true, metric: eval/pass@1}'),
      stages: succeeded(pipeline, ['pretrained'], { metrics }),
    },
    condition: ['Unknown', 'WaitingForApproval', 'gate of stage pretrained: eval/pass@1 is 0.4; waits for approval'],
  },
  {
    name: 'goes on once the person has come',
    given: {
      pipeline: { ...approval, metadata: annotated({ 'r1.dev/approved': 'pretrained' }).metadata },
      stages: succeeded(pipeline, ['pretrained']),
    },
    actions: ['create zero'],
    condition: ['Unknown', 'StageRunning'],
  },
  {
    name: 'deletes a stage that is to run again, and all that use what it gives',
    given: { pipeline: annotated({ 'r1.dev/rerun-from': 'zero' }), stages: succeeded(pipeline, all) },
    actions: ['delete test-zero test-samples test-student'],
    condition: ['Unknown', 'RunningAgain', 'runs again from stage zero on: zero, samples, student'],
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
      pipeline: annotated({ 'r1.dev/rerun-from': 'zero', 'r1.dev/approved': 'pretrained, zero' }),
      stages: succeeded(pipeline, ['pretrained']),
    },
    actions: ['clear {"r1.dev/rerun-from":null,"r1.dev/approved":"pretrained"}'],
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
    actions: ['delete'],
    condition: ['True', 'Completed'],
  },
  {
    name: 'lets the end be seen even if no time is left',
    given: { pipeline: pipelineOf(`${fourStages}ttlSecondsAfterFinished: 0`), stages: succeeded(mortal, all) },
    condition: ['True', 'Completed'],
    recheckAfterMs: 100,
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
    condition: ['False', 'StageChanged'],
  },
  {
    name: 'suspends a stage that left the manifest',
    given: { stages: [...two, withStatus({ ...two[1]!, spec: { ...two[1]!.spec, stage: 'old' } }, 'running')] },
    actions: ['suspend test-zero'],
    condition: ['Unknown', 'StageRunning', 'stage old left the manifest'],
  },
  {
    name: 'looks again when the budget will be spent',
    given: { pipeline: budgeted, stages: [running] },
    condition: ['Unknown', 'StageRunning'],
    recheckAfterMs: 3_540_000,
  },
  {
    name: 'fails where its manifest cannot be run',
    given: { problem: 'spec.datasets[0].jsonl: found "a.jsonl", which lies on none of spec.volumes' },
    condition: ['False', 'UserError', 'spec.datasets[0].jsonl: found "a.jsonl", which lies on none of spec.volumes'],
    states: ['Skipped', 'Skipped', 'Skipped', 'Skipped'],
  },
  {
    name: 'waits with a stage whose creation was refused, and says why',
    given: { refusal: { message: 'exceeded quota: storage', until: now + 9000 } },
    condition: ['Unknown', 'Pending', 'exceeded quota: storage'],
    recheckAfterMs: 9000,
  },
  {
    name: 'waits with new settings of a stage that were refused, and says why',
    given: {
      pipeline: pipelineOf(fourStages.replace('steps: 3}}', 'steps: 3}, resources: {limits: {memory: 64Gi}}}')),
      stages: [withStatus(created(pipeline, [], 'pretrained'), 'failed')],
      refusal: { message: 'denied by policy', until: now + 9000 },
    },
    condition: ['Unknown', 'Pending', 'denied by policy'],
    recheckAfterMs: 9000,
  },
])('$name', ({ given, actions = [], condition, states, recheckAfterMs }) => {
  const decision = decidePipeline({ now, pipeline, stages: [], maxRunningStages: 1, ...given });
  expect(decision.actions.map(brief)).toEqual(actions);
  const [succeededCondition] = decision.status.conditions;
  const [status, reason, message = expect.any(String)] = condition;
  expect(succeededCondition).toMatchObject({ type: 'Succeeded', status, reason, message });
  expect(decision.recheckAfterMs).toBe(recheckAfterMs);
  if (states) expect(decision.status.stages.map(({ state }) => state)).toEqual(states);
});

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

test('after a rollback stages start from what the rolled back stage started from', () => {
  const stages = succeeded(pipeline, ['pretrained'], { metrics });
  const { actions, status } = decidePipeline({ now, pipeline: rollback, stages, maxRunningStages: 1 });
  expect(actions).toMatchObject([
    { kind: 'CreateStage', stage: { spec: { stage: 'zero', model: { init: { hiddenSize: 128 } } } } },
  ]);
  expect(status.gates).toMatchObject([
    {
      action: 'RolledBack',
      passed: false,
      value: 0.4,
      message: expect.stringContaining('the model that it started from is used'),
    },
  ]);
});

test('a decision of a gate is kept, and made anew for another gate', () => {
  const stages = succeeded(pipeline, ['pretrained'], { metrics });
  const first = decidePipeline({ now, pipeline: rollback, stages, maxRunningStages: 1 }).status;
  const later = { now: now + 60_000, stages, maxRunningStages: 1 };
  expect(decidePipeline({ ...later, pipeline: { ...rollback, status: first } }).status.gates).toEqual(first.gates);
  const lower = gated('{metric: eval/pass@1, atLeast: 0.3}');
  const [gate] = decidePipeline({ ...later, pipeline: { ...lower, status: first } }).status.gates;
  expect(gate).toMatchObject({ action: 'Passed', time: timeAt(-60) });
});

test('a gate that compares waits for the other stage', () => {
  const compared = pipelineOf(
    fourStages.replace(
      'model: {init: {hiddenSize: 64}}, sft: {data: [samples]}',
      'model: {init: {hiddenSize: 64}}, sft: {data: [sums]}, gate: {metric: m, notBelow: {stage: zero}}',
    ),
  );
  const student = withStatus(created(compared, [], 'student'), 'succeeded', { metrics: { m: 1 } });
  const [pretrained] = succeeded(compared, ['pretrained']);
  const stages = [pretrained!, student];
  expect(decidePipeline({ now, pipeline: compared, stages, maxRunningStages: 1 }).status.gates).toEqual([]);
  const zero = withStatus(created(compared, stages, 'zero'), 'succeeded', { metrics: { m: 2 } });
  const { gates } = decidePipeline({ now, pipeline: compared, stages: [...stages, zero], maxRunningStages: 1 }).status;
  expect(gates).toMatchObject([{ stage: 'student', passed: false, expected: 'at least 2 (zero)' }]);
});

test('the same observation gives the same decision', () => {
  const observed = { now, pipeline, stages: two, maxRunningStages: 1 };
  expect(decidePipeline(observed)).toEqual(decidePipeline(structuredClone(observed)));
});
