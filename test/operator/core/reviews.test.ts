import { expect, test } from '@jest/globals';
import { displayStage, stateOf } from '../../../operator/api/display.ts';
import type { R1Stage } from '../../../operator/api/resources/stage.ts';
import { decidePipeline } from '../../../operator/core/pipeline/decide-pipeline.ts';
import { decideStage } from '../../../operator/core/stage/decide-stage.ts';
import { pipelineOf } from '../../support/pipelines.ts';
import { attempt, created, now, succeeded, timeAt, withStatus } from '../../support/stages.ts';
import { live } from './observed-stage.ts';

const reviewed = `
seed: 3
base: {init: {}}
datasets:
  - {name: sums, generator: {task: addition}}
  - {name: own, file: own.jsonl, answer: {verifier: {module: {file: compare.js}}}}
stages:
  - {name: samples, sample: {prompts: [sums, own]}}
  - {name: people, review: {data: samples}}
  - {name: zero, grpo: {prompts: [sums], steps: 3, rewards: [{accuracy: {}}]}}
`;
const pipeline = pipelineOf(reviewed);
const samples = succeeded(pipeline, ['samples']);
const review = created(pipeline, samples, 'people');
const progress = { type: 'progress', time: timeAt(5), step: 3, steps: 8, phase: 'review', metrics: {} } as const;

function decided(more: Partial<R1Stage['spec']> = {}, silentMs = 5000) {
  const stage = { ...review, spec: { ...review.spec, ...more } };
  return decideStage({ now, stage, attempts: [{ ...live, silentMs, progress }] });
}

test('a review that waits says for whom, how far it is and how to go on', () => {
  const { actions, status } = decided();
  expect(actions).toEqual([]);
  expect(status.conditions[0]).toMatchObject({
    status: 'Unknown',
    reason: 'WaitingForPerson',
    message:
      'waits for a person: 3 of 8 rows are decided (r1 review test/people; on a cluster: kubectl r1 review test/people)',
  });
  expect(displayStage(review.spec, status)).toMatchObject({
    state: 'Waiting for a person',
    step: '3/8',
    progress: '37%',
  });
});

test('neither a deadline nor a budget ends a review, and the time of people is spent on none', () => {
  const { actions, status } = decided({ deadlineSeconds: 10, budget: { hours: 0.001, gpuHours: 0.001 } });
  expect(actions).toEqual([]);
  expect(status).toMatchObject({ runSeconds: 0, gpuHours: 0 });
  expect(stateOf(status.conditions)).toBe('Waiting for a person');
  const hasLasted = pipelineOf(`${reviewed}budget: {hours: 0.001}`);
  const people = withStatus(review, 'running', { attempts: [attempt(1, { startedAt: timeAt(36_000) })] });
  const decision = decidePipeline({ now, pipeline: hasLasted, stages: [...samples, people], maxRunningStages: 1 });
  expect(decision.status).toMatchObject({ runSeconds: 0 });
  expect(decision.recheckAfterMs).toBeUndefined();
});

test('a review whose trainer says nothing any more is ended like any other stage, and tried again', () => {
  expect(decided({}, 10_000_000).actions).toEqual([{ kind: 'StopAttempt', attempt: 1, reason: 'hung' }]);
});

test('an edit is verified as the row was: the stage has the datasets that a file of their own compares', () => {
  expect(review.spec.datasets.map(({ name }) => name)).toEqual(['own']);
});

const waiting = { ...review, status: decided().status };
const waitingAlone = { now, pipeline, stages: [...samples, waiting], maxRunningStages: 1 };

test('other stages run while people read', () => {
  const { actions } = decidePipeline(waitingAlone);
  expect(actions).toMatchObject([{ kind: 'CreateStage', stage: { spec: { stage: 'zero' } } }]);
});

test('they wait where the volume is mounted for the review alone', () => {
  expect(decidePipeline({ ...waitingAlone, reviewsTakePlace: true }).actions).toEqual([]);
});

test('a pipeline in which nothing else goes on waits for a person, too', () => {
  const zero = withStatus(created(pipeline, samples, 'zero'), 'running');
  const stateWith = (other: R1Stage): string | undefined =>
    decidePipeline({ ...waitingAlone, stages: [...samples, waiting, other] }).status.display?.state;
  expect(stateWith(zero)).toBe('Running');
  expect(stateWith(withStatus(zero, 'succeeded'))).toBe('Waiting for a person');
});
