import { expect, test } from '@jest/globals';
import { guardProblem, guardProblems } from '../../../../operator/core/pipeline/guard-data.ts';
import { pipelineOf } from '../../../support/pipelines.ts';

function pipeline(data: string) {
  return pipelineOf(`
base: {init: {}}
datasets:
  - {name: sums, generator: {task: addition, heldOut: 9}}
  - {name: documents, generator: {task: mixture}}
  - {name: prompts, generator: {task: addition}}
  - {name: later, generator: {task: addition}}
stages:
  - {name: base, pretrain: {data: [documents], steps: 1}}
  - {name: zero, model: {from: base}, grpo: {prompts: [prompts], steps: 50, rewards: [{format: {}}], guard: {data: ${data}}}}
  - {name: more, model: {from: zero}, grpo: {prompts: [later], steps: 50, rewards: [{format: {}}]}}
`);
}

test.each(['[sums]', '[later]', '[sums, later]'])(
  'a guard may ask what is held out, or not learned by then: %s',
  (data) => {
    expect(guardProblems(pipeline(data))).toEqual([]);
  },
);

test.each(['[prompts]', '[documents]', '[sums, prompts]'])('a guard may not ask what was learned: %s', (data) => {
  expect(guardProblem(pipeline(data))).toMatch(
    /^spec\.stages\[1\]\.grpo\.guard\.data\[\d\]: found "\w+", which is learned from, expected a dataset with held-out rows, or one that no stage learns from: give it heldOut$/,
  );
});
