import { expect, test } from '@jest/globals';
import { gate as schema } from '../../../../operator/api/resources/pipeline-stage.ts';
import { compareWithBound } from '../../../../operator/core/pipeline/gate-bound.ts';

const measured = (score: number, prompts: number, error = 0.02) => ({
  'eval/pass@1': score,
  'eval/pass@1_stderr': error,
  'eval/prompts': prompts,
});
const other = measured(0.6, 400, 0.02);

// Student's 97.5 % quantile is 1.972 for 199 degrees of freedom and 2.093 for 19: margins of 0.0394 and 0.0419.
test.each([
  {
    name: 'above by less than its margin',
    gate: { atLeast: 0.57, confidence: 0.95 },
    own: measured(0.6, 200),
    passed: false,
  },
  { name: 'above by more', gate: { atLeast: 0.56, confidence: 0.95 }, own: measured(0.6, 200), passed: true },
  {
    name: 'above by more, of few prompts',
    gate: { atLeast: 0.56, confidence: 0.95 },
    own: measured(0.6, 20),
    passed: false,
  },
  { name: 'above without a confidence', gate: { atLeast: 0.6 }, own: measured(0.6, 20), passed: true },
  { name: 'below a greatest', gate: { atMost: 0.65, confidence: 0.95 }, own: measured(0.6, 200), passed: true },
  { name: 'near a greatest', gate: { atMost: 0.63, confidence: 0.95 }, own: measured(0.6, 200), passed: false },
  { name: 'of enough prompts', gate: { atLeast: 0.5, minPrompts: 200 }, own: measured(0.6, 200), passed: true },
  { name: 'of too few prompts', gate: { atLeast: 0.5, minPrompts: 201 }, own: measured(0.6, 200), passed: false },
  // The margin of the difference is 1.972 √(2 · 0.02²) = 0.0558.
  {
    name: 'as good within its tolerance',
    gate: { notBelow: { stage: 'zero', by: 0.06 }, confidence: 0.95 },
    own: measured(0.6, 200),
    passed: true,
  },
  {
    name: 'perhaps worse than tolerated',
    gate: { notBelow: { stage: 'zero', by: 0.05 }, confidence: 0.95 },
    own: measured(0.6, 200),
    passed: false,
  },
])('a figure that is $name passes: $passed', ({ gate, own, passed }) => {
  expect(compareWithBound(schema.parse({ metric: 'eval/pass@1', ...gate }), 'eval/pass@1', own, other).passed).toBe(
    passed,
  );
});

test.each([
  { metric: 'eval/pass@1', gate: { atLeast: 0.58 }, passed: true },
  { metric: 'eval/pass@1', gate: { atLeast: 0.59 }, passed: false },
  { metric: 'eval/pass@1', gate: { atMost: 0.61 }, passed: false },
  // One of four completions can decide a prompt.
  { metric: 'eval/pass@4', gate: { atLeast: 0.85 }, passed: false },
  { metric: 'eval/pass@4', gate: { atLeast: 0.82 }, passed: true },
  { metric: 'eval/mean_length', gate: { atMost: 100 }, passed: true },
  { metric: 'eval/maths/pass@1', gate: { atLeast: 0.65 }, passed: false },
])('completions that a verifier failed at count against $metric with $gate: $passed', ({ metric, gate, passed }) => {
  const own = {
    ...measured(0.6, 200),
    'eval/unscored_frac': 0.02,
    'eval/pass@4': 0.9,
    'eval/mean_length': 100,
    'eval/maths/pass@1': 0.7,
    'eval/maths/unscored_frac': 0.1,
  };
  expect(compareWithBound(schema.parse({ metric, ...gate }), metric, own, undefined).passed).toBe(passed);
});

test('both models of a comparison may have lost completions', () => {
  const gate = schema.parse({ metric: 'eval/pass@1', notBelow: { stage: 'zero' } });
  const lost = { ...measured(0.6, 200), 'eval/unscored_frac': 0.03 };
  const best = measured(0.62, 200);
  expect(compareWithBound(gate, 'eval/pass@1', best, measured(0.6, 200)).passed).toBe(true);
  expect(compareWithBound(gate, 'eval/pass@1', best, lost)).toMatchObject({
    found: 'eval/pass@1 is 0.62, 3 % of completions without a verdict counted against it',
    passed: false,
  });
});

test('says what was found and asked', () => {
  const asked = { metric: 'eval/pass@1', confidence: 0.95, minPrompts: 100 };
  const own = measured(0.6, 200);
  expect(compareWithBound(schema.parse({ ...asked, atLeast: 0.57 }), 'eval/pass@1', own, undefined)).toEqual({
    found: 'eval/pass@1 is 0.6 (95 % interval 0.561 … 0.639) over 200 prompts',
    expected: 'at least 0.57 with 95 % confidence over at least 100 prompts',
    passed: false,
  });
  expect(
    compareWithBound(schema.parse({ ...asked, notBelow: { stage: 'zero', by: 0.1 } }), 'eval/pass@1', own, other).found,
  ).toBe('eval/pass@1 is 0.6 (95 % interval of the difference -0.056 … 0.056) over 200 prompts');
});

test('a figure without its standard error passes nothing that is to be sure', () => {
  const gate = schema.parse({ metric: 'eval/pass@1', atLeast: 0.1, confidence: 0.9 });
  expect(compareWithBound(gate, 'eval/pass@1', { 'eval/pass@1': 0.9 }, undefined)).toMatchObject({
    found: 'eval/pass@1 is 0.9 (without a standard error)',
    passed: false,
  });
});
