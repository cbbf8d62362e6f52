import { expect, test } from '@jest/globals';
import { controlProblem } from '../../../../operator/core/pipeline/control-problems.ts';
import { pipelineOf } from '../../../support/pipelines.ts';

function pipeline(heldOut: string) {
  return pipelineOf(`
base: {init: {}}
datasets:
  - {name: sums, generator: {task: addition${heldOut}}}
stages:
  - {name: zero, grpo: {prompts: [sums], steps: 3, rewards: [{accuracy: {}}], controls: [random, zeroLr]}}
`);
}

test('controls are compared on held-out rows', () => {
  expect(controlProblem(pipeline(', heldOut: 9'))).toBeUndefined();
});

test('controls of a stage that is not measured are refused', () => {
  expect(controlProblem(pipeline(''))).toMatch(
    /^spec\.stages\[0\]\.grpo\.controls: found no evaluation, expected an evaluation on held-out rows/,
  );
});

test('controls of sft are refused alike', () => {
  const unmeasured = pipelineOf(`
base: {init: {}}
datasets:
  - {name: mixture, generator: {task: mixture}}
stages:
  - {name: taught, sft: {data: [mixture], controls: [shuffled]}}
`);
  expect(controlProblem(unmeasured)).toMatch(/^spec\.stages\[0\]\.sft\.controls: found no evaluation/);
});
