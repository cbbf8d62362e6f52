import { expect, test } from '@jest/globals';
import { planRerun } from '../../../cli/cluster/plan-rerun.ts';
import { fourStages, pipelineOf } from '../../support/pipelines.ts';
import { created, succeeded, withStatus } from '../../support/stages.ts';

const pipeline = pipelineOf(fourStages);
const done = succeeded(pipeline, ['pretrained', 'zero']);
const failed = withStatus(created(pipeline, done, 'samples'), 'failed');

test('names the stages that run again, and what becomes of finished ones', () => {
  expect(planRerun(pipeline, [...done, failed], ['zero'], true)).toEqual(['zero (was finished)', 'samples', 'student']);
});

test('needs no one to be sure where no work is lost', () => {
  expect(planRerun(pipeline, [...done, failed], ['samples'], false)).toEqual(['samples', 'student']);
});

test.each([
  { name: 'finished', stages: done, from: 'zero', says: 'throws away the work of zero (finished); --yes does it' },
  {
    name: 'begun',
    stages: [withStatus(created(pipeline, [], 'pretrained'), 'running')],
    from: 'pretrained',
    says: 'throws away the work of pretrained (begun); --yes',
  },
  { name: 'of no stage', stages: [], from: 'nope', says: 'has no stage "nope"; known: pretrained, zero' },
])('refuses a rerun of what is $name', ({ stages, from, says }) => {
  expect(() => planRerun(pipeline, stages, [from], false)).toThrow(says);
});

function wished(stage: string): typeof pipeline {
  const metadata = { ...pipeline.metadata, annotations: { 'r1.dev/rerun-from': stage } };
  return { ...pipeline, metadata };
}

test('waits for an earlier wish, unless that can never be granted', () => {
  expect(() => planRerun(wished('pretrained, student'), [], ['zero', 'student'], true)).toThrow(
    'about to run again from pretrained and student on',
  );
  expect(planRerun(wished('student'), [], ['student', 'samples'], true)).toEqual(['samples', 'student']);
  expect(planRerun(wished('gone'), [], ['student'], true)).toEqual(['student']);
});
