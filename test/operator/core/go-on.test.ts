import { expect, test } from '@jest/globals';
import { decidePipeline } from '../../../operator/core/pipeline/decide-pipeline.ts';
import { decideStage } from '../../../operator/core/stage/decide-stage.ts';
import { settingsDigest } from '../../../operator/core/settings-digest.ts';
import { fourStages, pipelineOf } from '../../support/pipelines.ts';
import { attempt, created, now, succeeded, withStatus } from '../../support/stages.ts';
import { type Case, expectDecision, pipeline } from './pipeline-case.ts';

const all = ['pretrained', 'zero', 'samples', 'student'];
const zero = (changed: string, ...more: [string, string][]) =>
  pipelineOf(
    [['grpo: {prompts: [sums], steps: 3', `grpo: {prompts: [sums], ${changed}`] as const, ...more].reduce(
      (text, [from, to]) => text.replace(from, to),
      fourStages,
    ),
  );
const measured = pipelineOf(`${fourStages}defaults: {evaluation: {data: [sums]}}`);
const longer = zero('steps: 5');
const gated = pipelineOf(
  fourStages.replace('steps: 3}}', 'steps: 3}, gate: {metric: eval/pass@1, atLeast: 0.5}, evaluation: {data: [sums]}}'),
);

test.each<Case>([
  {
    name: 'measures a finished pipeline whose evaluation was added, one stage at a time',
    given: { pipeline: measured, stages: succeeded(pipeline, all) },
    actions: ['update pretrained'],
    condition: [
      'Unknown',
      'Pending',
      expect.stringMatching(/^stage pretrained is measured anew, its output stays \(evaluation: unset → /),
    ],
  },
  {
    name: 'goes on with a finished stage that is asked for more steps',
    given: { pipeline: longer, stages: succeeded(pipeline, ['pretrained', 'zero']) },
    actions: ['update zero'],
    condition: ['Unknown', 'Pending', 'stage zero is made longer (grpo.steps: 3 → 5)'],
  },
  ...[
    { it: 'has finished', state: 'Succeeded', samples: succeeded(pipeline, ['pretrained', 'zero', 'samples']) },
    {
      it: 'has begun',
      state: 'Running',
      samples: [
        ...succeeded(pipeline, ['pretrained', 'zero']),
        withStatus(created(pipeline, succeeded(pipeline, ['pretrained', 'zero']), 'samples'), 'running'),
      ],
    },
  ].map(({ it, state, samples }): Case => ({
    name: `does not go on below a stage that ${it} with what it gave, and names the ways on`,
    given: { pipeline: longer, maxRunningStages: 2, stages: samples },
    condition: [
      'False',
      'StageChanged',
      `stage zero would go on (grpo.steps: 3 → 5), but samples ${it} with what it gave before; restore its settings, ` +
        'run again from samples on (r1 run FILE --rerun-from samples; on a cluster: r1 rerun test --from samples), ' +
        'or give the pipeline another name',
    ],
    states: ['Succeeded', 'Changed', state, 'Skipped'],
  })),
  {
    name: 'leaves a finished stage alone whose records alone are kept otherwise',
    given: {
      pipeline: zero('steps: 3, checkpointEvery: 7, completions: {every: 1, rollouts: 5}'),
      stages: succeeded(pipeline, all),
    },
    condition: ['True', 'Completed'],
  },
  {
    name: 'refuses fewer steps',
    given: { pipeline: zero('steps: 2'), stages: succeeded(pipeline, ['pretrained', 'zero']) },
    condition: ['False', 'StageChanged', expect.stringContaining('(grpo.steps: 3 → 2); restore them')],
    states: ['Succeeded', 'Changed', 'Skipped', 'Skipped'],
  },
  {
    name: 'refuses more steps together with another change',
    given: { pipeline: zero('steps: 5, group: 4'), stages: succeeded(pipeline, ['pretrained', 'zero']) },
    condition: ['False', 'StageChanged', expect.stringContaining('grpo.steps: 3 → 5')],
  },
  {
    name: 'refuses more steps where the schedule depends on them, and says so',
    given: {
      pipeline: zero('steps: 5, schedule: {kind: linear}'),
      stages: succeeded(zero('steps: 3, schedule: {kind: linear}'), ['pretrained', 'zero']),
    },
    condition: [
      'False',
      'StageChanged',
      expect.stringContaining(
        '(grpo.steps: 3 → 5), and a longer run would be another one: schedule.kind linear spreads the learning rate over all steps',
      ),
    ],
  },
  {
    name: 'refuses a later stage that has learned from what an earlier one gave before it went on',
    given: {
      pipeline: longer,
      stages: [
        ...succeeded(longer, ['pretrained', 'zero']),
        ...succeeded(pipeline, ['pretrained', 'zero', 'samples']).slice(2),
      ],
    },
    condition: [
      'False',
      'StageChanged',
      expect.stringMatching(
        /^stage samples has finished with what its inputs gave before \(model.*\); run again from samples on \(/,
      ),
    ],
  },
  {
    name: 'has not finished while a stage that was asked for more has not had its next pass',
    given: {
      pipeline: longer,
      stages: succeeded(pipeline, ['pretrained', 'zero']).map((stage) => ({
        ...stage,
        spec: created(longer, succeeded(pipeline, ['pretrained']), 'zero').spec,
        ...(stage.spec.stage === 'pretrained' && stage),
      })),
    },
    condition: ['Unknown', 'Pending', 'stage zero: goes on with other settings'],
  },
])('$name', expectDecision);

test('a gate judges the new figure of a checkpoint that was measured anew', () => {
  const stage = (passAt1: number) => succeeded(gated, ['pretrained'], { metrics: { 'eval/pass@1': passAt1 } });
  const closed = decidePipeline({ now, pipeline: gated, stages: stage(0.4), maxRunningStages: 1 });
  expect(closed.status.conditions[0]).toMatchObject({ reason: 'GateFailed' });
  const again = { ...gated, status: closed.status };
  const open = decidePipeline({ now, pipeline: again, stages: stage(0.6), maxRunningStages: 1 });
  expect(open.status.gates).toMatchObject([{ value: 0.6, action: 'Passed' }]);
  expect(open.actions).toMatchObject([{ kind: 'CreateStage', stage: { spec: { stage: 'zero' } } }]);
  // It has not failed any more, which is told before its volume may go with it.
  const told = { ...gated, status: open.status };
  const after = decidePipeline({ now, pipeline: told, stages: stage(0.6), maxRunningStages: 1 });
  expect(after.actions).toContainEqual({ kind: 'RetainVolume', retain: false });
});

test('a stage that has succeeded with other settings starts its next attempt, and keeps the record of the one before', () => {
  const [before] = succeeded(pipeline, ['pretrained']);
  const after = { ...before!, spec: created(measured, [], 'pretrained').spec };
  const { actions, status } = decideStage({ now, stage: after, attempts: [] });
  expect(actions).toEqual([{ kind: 'StartAttempt', attempt: 2 }]);
  expect(status.attempts).toMatchObject([{ number: 1, outcome: 'Succeeded' }]);
  const settings = settingsDigest(after.spec);
  const done = { ...after, status: { ...after.status!, attempts: [attempt(2, { outcome: 'Succeeded', settings })] } };
  expect(decideStage({ now, stage: done, attempts: [] }).actions).toEqual([]);
});
