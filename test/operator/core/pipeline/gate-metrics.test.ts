import { expect, test } from '@jest/globals';
import { gateProblem, gateProblems } from '../../../../operator/core/pipeline/gate-metrics.ts';
import { pipelineOf } from '../../../support/pipelines.ts';

function pipeline(gate: string, { stage = '', more = '' } = {}) {
  return pipelineOf(`
base: {init: {}}
datasets:
  - {name: sums, generator: {task: addition, heldOut: 9}}
  - {name: documents, generator: {task: mixture}}
  - {name: preferences, generator: {task: preferences}}
stages:
  - {name: base, pretrain: {data: [documents], steps: 1}}
  - name: zero
    model: {from: base}
    ${stage === '' ? 'grpo: {prompts: [sums], steps: 3, rewards: [{accuracy: {}}, {length: {max: 9, soft: 2}}, {length: {max: 5, soft: 2}}]}' : stage}
    gate: ${gate}
${more}`);
}

test.each([
  '{metric: eval/pass@1, atLeast: 0.5}', // sums has held-out rows
  '{metric: eval/sums/pass@1, atLeast: 0.5}',
  '{metric: reward, atLeast: 0.5}',
  '{metric: completions/clipped_ratio, atMost: 0.1}',
  '{metric: rewards/length-2/mean, atLeast: -0.5}',
  '{metric: verifier/number/pass, atLeast: 0.5}',
  '{metric: loss, notBelow: {stage: base}}',
  '{approval: true}',
  '{metric: eval/pass@1, atLeast: 0.5, confidence: 0.95, minPrompts: 9}',
])('takes what the result has: %s', (gate) => {
  expect(gateProblems(pipeline(gate))).toEqual([]);
});

test.each([
  {
    gate: '{metric: eval/pas@1, atLeast: 0.5}',
    says: /^found "eval\/pas@1", expected a metric of the results of stage zero: eval\/pass@1, .*; did you mean "eval\/pass@1"\?$/,
  },
  { gate: '{metric: eval/pass@8, atLeast: 0.5}', says: /did you mean "eval\/pass@1"\?$/ },
  { gate: '{metric: eval/facts/pass@1, atLeast: 0.5}', says: /eval\/sums\/pass@1/ },
  { gate: '{metric: rewards/format/mean, atLeast: 0.5}', says: /found "rewards\/format\/mean"/ },
  { gate: '{metric: step_time, atMost: 9}', says: /found "step_time"/ },
  {
    gate: '{metric: reward, notBelow: {stage: base}}',
    says: /found "reward", expected a metric of the results of stage base: [^;]*docs\/reference\/metrics\.md\)$/,
  },
  {
    gate: '{metric: eval/pass@1, atLeast: 0.5}',
    stage: 'pretrain: {data: [documents], steps: 1}',
    says: /stage zero: [^;]*; it is not evaluated: give it an evaluation, or spec.defaults.evaluation/,
  },
  {
    gate: '{metric: margn, atLeast: 0}',
    stage: 'rewardModel: {pairs: [preferences]}',
    says: /did you mean "margin"\?$/,
  },
  {
    gate: '{metric: reward, atLeast: 0}',
    stage: 'sample: {prompts: [sums]}',
    says: /stage zero: data\/rows, kept, .*all 13: docs\/reference\/metrics\.md\)$/,
  },
])('refuses $gate', ({ gate, stage, says }) => {
  const wrong = pipeline(gate, { ...(stage !== undefined && { stage }) });
  expect(gateProblems(wrong)).toEqual([
    {
      path: ['spec', 'stages', 1, 'gate', 'metric'],
      found: expect.anything(),
      expected: expect.anything(),
      message: expect.stringMatching(says),
    },
  ]);
  expect(gateProblem(wrong)).toMatch(/^spec\.stages\[1\]\.gate\.metric: found/);
});

test('of many metrics the nearest are named, and where all of them are', () => {
  expect(gateProblem(pipeline('{metric: accuracy, atLeast: 0.5}'))).toMatch(
    /^[^:]*: found "accuracy", expected a metric of the results of stage zero: rewards\/accuracy\/mean, rewards\/accuracy\/std, ([^,]+, ){4}… \(all \d+: docs\/reference\/metrics\.md\); did you mean "rewards\/accuracy\/mean"\?$/,
  );
});

test('pass@k goes with the samples of the evaluation', () => {
  const evaluation = 'defaults: {evaluation: {data: [sums], samples: 8}}';
  expect(gateProblems(pipeline('{metric: eval/pass@8, atLeast: 0.5}', { more: evaluation }))).toEqual([]);
  expect(gateProblems(pipeline('{metric: eval/cons@4, atLeast: 0.5}', { more: evaluation }))).toHaveLength(1);
});

test('rows that are learned from give no held-out figure', () => {
  const learned =
    'grpo: {prompts: [documents], steps: 3, rewards: [{format: {}}]}\n    evaluation: {data: [documents]}';
  const on = (metric: string) => gateProblem(pipeline(`{metric: ${metric}, atLeast: 0.5}`, { stage: learned }));
  expect(on('eval_train/pass@1')).toBeUndefined();
  expect(on('eval/pass@1')).toMatch(/the rows that it is evaluated on are learned from: give its dataset heldOut$/);
  expect(on('eval/document/pass@1')).toMatch(/are learned from: give its dataset heldOut$/); // misspelt besides
});

test.each([
  { gate: '{metric: reward, atLeast: 0.5, confidence: 0.95}', field: 'confidence' },
  { gate: '{metric: eval/sums/pass@1, atLeast: 0.5, minPrompts: 9}', field: 'minPrompts' },
  { gate: '{metric: reward, atLeast: 0.5, minPrompts: 9}', field: 'minPrompts' },
])('a gate that is to be sure needs a metric whose prompts are counted: $gate', ({ gate, field }) => {
  expect(gateProblem(pipeline(gate))).toMatch(
    new RegExp(
      `^spec\\.stages\\[1\\]\\.gate\\.${field}: found the metric \\S+, expected one whose prompts are counted, with a standard error: eval/pass@1$`,
    ),
  );
});

function requiring(required: string) {
  return pipeline('{approval: true}', {
    more: `  - {name: taught, requires: [{stage: base, metric: loss, atMost: 9}, ${required}], sft: {data: [documents]}}`,
  });
}

test('a requirement on what an earlier stage does not measure is told with its place', () => {
  expect(gateProblems(requiring('{stage: zero, metric: eval/pass@1, atLeast: 0.1, confidence: 0.95}'))).toEqual([]);
  expect(gateProblem(requiring('{stage: zero, metric: eval/pas@1, atLeast: 0.1}'))).toMatch(
    /^spec\.stages\[2\]\.requires\[1\]\.metric: found "eval\/pas@1", expected a metric of the results of stage zero/,
  );
  expect(gateProblem(requiring('{stage: zero, metric: reward, atLeast: 0.1, minPrompts: 9}'))).toMatch(
    /^spec\.stages\[2\]\.requires\[1\]\.minPrompts: found the metric reward, expected one whose prompts are counted/,
  );
});
