import { expect, test } from '@jest/globals';
import { attemptName, rolloutName } from '../../../../operator/kube/objects/names.ts';

const label = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;

test.each([
  { name: 'the usual name', stage: 'r1-tiny-sft', expected: /^r1-tiny-sft-1$/ },
  { name: 'a name that starts with a digit', stage: '7b-sft', expected: /^r1-7b-sft-1$/ },
  { name: 'the longest names of a pipeline and a stage', stage: `${'p'.repeat(40)}-${'s'.repeat(40)}` },
  { name: 'a name with dots', stage: 'a.b.c' },
  { name: 'a name whose cut ends in a hyphen', stage: `${'a'.repeat(35)}-------------------------` },
])('$name gives DNS labels that leave room for the index of a worker', ({ stage, expected = /-[0-9a-f]{8}-1$/ }) => {
  expect(attemptName(stage, 1)).toMatch(expected);
  for (const attempt of [1, 12345]) {
    expect(attemptName(stage, attempt)).toMatch(label);
    expect(`${rolloutName(stage, attempt)}-1023`.length).toBeLessThanOrEqual(63);
  }
});

test('long names that differ only in their end stay apart', () => {
  const start = 'x'.repeat(60);
  expect(attemptName(`${start}1`, 1)).not.toBe(attemptName(`${start}2`, 1));
});
