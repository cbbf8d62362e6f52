import { expect, test } from '@jest/globals';
import { planRetry } from '../../../cli/cluster/plan-retry.ts';
import { fourStages, pipelineOf } from '../../support/pipelines.ts';
import { created, succeeded, withStatus } from '../../support/stages.ts';

const pipeline = pipelineOf(fourStages);
const [pretrained] = succeeded(pipeline, ['pretrained']);
const zero = withStatus(created(pipeline, [pretrained!], 'zero'), 'failed');
const stages = [pretrained!, zero];
const names = (asked: string[], of = stages) => planRetry('test', of, asked).map(({ spec }) => spec.stage);

test('all that failed is tried again, or what is named', () => {
  expect(names([])).toEqual(['zero']);
  expect(names(['zero'])).toEqual(['zero']);
});

test.each([
  { asked: ['zeroo'], said: 'pipeline test: found no stage "zeroo"; expected a stage that has failed: zero' },
  { asked: ['pretrained'], said: 'pipeline test: pretrained has not failed; expected a stage that has failed: zero' },
  { asked: [], of: [pretrained!], said: 'pipeline test: none of its stages has failed' },
])('refuses $asked', ({ asked, of, said }) => {
  expect(() => names(asked, of)).toThrow(said);
});
