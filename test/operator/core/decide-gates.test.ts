import { expect, test } from '@jest/globals';
import { decidePipeline } from '../../../operator/core/pipeline/decide-pipeline.ts';
import { fourStages, pipelineOf } from '../../support/pipelines.ts';
import { created, now, succeeded, timeAt, withStatus } from '../../support/stages.ts';
import { annotated, type Case, expectDecision, pipeline } from './pipeline-case.ts';

const gated = (gate: string) => pipelineOf(fourStages.replace('steps: 3}}', `steps: 3}, gate: ${gate}}`));
const metrics = { 'eval/pass@1': 0.4 };
const rollback = gated('{metric: eval/pass@1, atLeast: 0.5, onFailure: Rollback}');
const waiting = gated('{metric: eval/pass@1, atLeast: 0.5, onFailure: Wait}');
const approval = gated('{approval: true}');

test.each<Case>([
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
    volume: ['retained'],
    condition: ['Unknown', 'Pending'],
  },
  {
    name: 'keeps what a gate was not content with, also while a person is asked',
    given: { pipeline: waiting, stages: succeeded(pipeline, ['pretrained'], { metrics }) },
    volume: ['retained'],
    condition: ['Unknown', 'WaitingForApproval'],
  },
  {
    name: 'lets go with the pipeline what a gate was content with, or what a person alone is asked about',
    given: { pipeline: approval, stages: succeeded(pipeline, ['pretrained'], { metrics }) },
    volume: [],
    condition: ['Unknown', 'WaitingForApproval'],
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
      pipeline: {
        ...waiting,
        metadata: {
          name: 'test',
          annotations: { 'r1.dev/approved': 'other, pretrained', 'approved-because.r1.dev/pretrained': 'good enough' },
        },
      },
      stages: succeeded(pipeline, ['pretrained'], { metrics }),
    },
    actions: ['create zero'],
    volume: [],
    condition: ['Unknown', 'Pending'],
    gate: { action: 'Approved', because: 'good enough', passed: false },
  },
  {
    name: 'waits where a person has approved what a bound stops, and has not said why',
    given: {
      pipeline: { ...waiting, metadata: annotated({ 'r1.dev/approved': 'pretrained' }).metadata },
      stages: succeeded(pipeline, ['pretrained'], { metrics }),
    },
    condition: [
      'Unknown',
      'WaitingForApproval',
      expect.stringContaining("(r1 approve test pretrained --because 'REASON'; on a cluster: kubectl r1 approve test"),
    ],
  },
  {
    name: 'waits for a person where a gate asks for one',
    given: { pipeline: approval, stages: succeeded(pipeline, ['pretrained']) },
    condition: [
      'Unknown',
      'WaitingForApproval',
      'gate of stage pretrained: waits for approval (r1 approve test pretrained; on a cluster: kubectl r1 approve test pretrained)',
    ],
    states: ['Waiting', 'Waiting', 'Waiting', 'Waiting'],
  },
  {
    name: 'records who approved',
    given: {
      pipeline: {
        ...approval,
        metadata: annotated({ 'r1.dev/approved': 'pretrained', 'approved-by.r1.dev/pretrained': 'alice' }).metadata,
      },
      stages: succeeded(pipeline, ['pretrained']),
    },
    actions: ['create zero'],
    condition: ['Unknown', 'Pending'],
    gate: { action: 'Approved', approvedBy: 'alice', message: 'approved by alice' },
  },
  {
    name: 'records the program that approved where nobody said who',
    given: {
      pipeline: {
        ...approval,
        metadata: {
          ...annotated({ 'r1.dev/approved': 'pretrained' }).metadata,
          managedFields: [{ manager: 'kubectl-annotate', time: '2026-01-01T11:59:00Z' }],
        },
      },
      stages: succeeded(pipeline, ['pretrained']),
    },
    actions: ['create zero'],
    condition: ['Unknown', 'Pending'],
    gate: {
      action: 'Approved',
      approvedBy: 'field manager kubectl-annotate at 2026-01-01T11:59:00Z',
      message: 'approved by field manager kubectl-annotate at 2026-01-01T11:59:00Z',
    },
  },
  {
    name: 'shows the person the metric that the gate names',
    given: {
      pipeline: gated('{approval: true, metric: eval/pass@1}'),
      stages: succeeded(pipeline, ['pretrained'], { metrics }),
    },
    condition: [
      'Unknown',
      'WaitingForApproval',
      expect.stringContaining('gate of stage pretrained: eval/pass@1 is 0.4; waits for approval (r1 approve test'),
    ],
  },
  {
    name: 'goes on once the person has come',
    given: {
      pipeline: { ...approval, metadata: annotated({ 'r1.dev/approved': 'pretrained' }).metadata },
      stages: succeeded(pipeline, ['pretrained']),
    },
    actions: ['create zero'],
    condition: ['Unknown', 'Pending'],
  },
])('$name', expectDecision);

const requiring = (required: string, gate = '') =>
  pipelineOf(
    fourStages
      .replace('steps: 3}}', `steps: 3}${gate}}`)
      .replace('{accuracy: {}}]}}', `{accuracy: {}}]}, requires: [{stage: pretrained, ${required}}]}`),
  );
const measured = { 'eval/pass@1': 0.4, 'eval/pass@1_stderr': 0.05, 'eval/prompts': 100 };
const ofMeasured = (required: string, gate?: string) => ({
  pipeline: requiring(required, gate),
  stages: succeeded(pipeline, ['pretrained'], { metrics: measured }),
});

test.each<Case>([
  {
    name: 'a stage begins where an earlier one has come to what it requires',
    given: ofMeasured('metric: eval/pass@1, atLeast: 0.3, confidence: 0.9, minPrompts: 100'),
    actions: ['create zero'],
    condition: ['Unknown', 'Pending'],
  },
  {
    name: 'is not started where that came to less',
    given: ofMeasured('metric: eval/pass@1, atLeast: 0.5'),
    condition: [
      'False',
      'RequirementNotMet',
      'stage zero is not started: eval/pass@1 is 0.4 (pretrained), at least 0.5 is required',
    ],
    states: ['Succeeded', 'Skipped', 'Skipped', 'Skipped'],
  },
  {
    name: 'is not started where the interval does not keep the bound',
    given: ofMeasured('metric: eval/pass@1, atLeast: 0.35, confidence: 0.95'),
    condition: [
      'False',
      'RequirementNotMet',
      expect.stringContaining('eval/pass@1 is 0.4 (95 % interval 0.301 … 0.499) (pretrained), at least 0.35 with 95 %'),
    ],
  },
  {
    name: 'is not started for a figure of too few prompts',
    given: ofMeasured('metric: eval/pass@1, atLeast: 0.3, minPrompts: 200'),
    condition: [
      'False',
      'RequirementNotMet',
      expect.stringContaining('over 100 prompts (pretrained), at least 0.3 over'),
    ],
  },
  {
    name: 'is not started for what was not measured',
    given: ofMeasured('metric: eval/format_rate, atMost: 1'),
    condition: ['False', 'RequirementNotMet', expect.stringContaining('eval/format_rate was not measured')],
  },
  {
    name: 'a stage that has begun is not asked again',
    given: {
      ...ofMeasured('metric: eval/pass@1, atLeast: 0.9'),
      stages: succeeded(pipeline, ['pretrained', 'zero'], { metrics: measured }),
    },
    actions: ['create samples'],
    condition: ['Unknown', 'Pending'],
  },
  {
    name: 'of a stage that was rolled back the figures of the model that is used instead count',
    given: ofMeasured(
      'metric: eval/pass@1, atLeast: 0.3',
      ', gate: {metric: eval/pass@1, atLeast: 0.5, onFailure: Rollback}',
    ),
    condition: [
      'False',
      'RequirementNotMet',
      expect.stringContaining('eval/pass@1 was not measured (base, which is used instead of pretrained)'),
    ],
  },
])('$name', expectDecision);

test('a stage waits for one whose result it requires', () => {
  const text = fourStages.replace(
    '{accuracy: {}}]}}',
    '{accuracy: {}}]}}\n  - {name: exam, model: {from: pretrained}, evaluate: {data: [sums]}}',
  );
  const asking = pipelineOf(
    text.replace('sample: {', 'requires: [{stage: exam, metric: eval/pass@1, atLeast: 0.9}], sample: {'),
  );
  const done = succeeded(asking, ['pretrained', 'zero']);
  const first = decidePipeline({ now, pipeline: asking, stages: done, maxRunningStages: 9 });
  expect(first.actions).toMatchObject([{ kind: 'CreateStage', stage: { spec: { stage: 'exam' } } }]);
});

test('after a rollback stages start from what the rolled back stage started from', () => {
  const stages = succeeded(pipeline, ['pretrained'], { metrics });
  const { actions, status } = decidePipeline({ now, pipeline: rollback, stages, maxRunningStages: 1 });
  expect(actions).toMatchObject([
    { kind: 'CreateStage', stage: { spec: { stage: 'zero', model: { init: { hiddenSize: 128 } } } } },
    { kind: 'RetainVolume', retain: true },
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
