import { expect, test } from '@jest/globals';
import { didYouMean, didYouMeanPartOf, nearest } from '../../../../operator/api/check/suggestion.ts';

const known = ['accuracy', 'format', 'languageConsistency', 'sft', 'grpo'];

test.each([
  ['acuracy', 'accuracy'],
  ['fromat', 'format'],
  ['languageconsistency', 'languageConsistency'],
  ['stf', 'sft'],
  ['colour', undefined],
  ['x', undefined],
])('%s → %s', (word, meant) => {
  expect(didYouMean(word, known)).toBe(meant);
});

const metrics = ['loss', 'rewards/accuracy/mean', 'reward', 'eval/format_rate', 'eval/pass@1', 'rewards/format/mean'];

test.each([
  ['format', 'rewards/format/mean'],
  ['acuracy', 'rewards/accuracy/mean'],
  ['pass@1', 'eval/pass@1'],
  ['rewrd', 'reward'],
  ['throughput', undefined],
])('a part of a name counts: %s → %s', (word, meant) => {
  expect(didYouMeanPartOf(word, metrics)).toBe(meant);
  const [first, ...others] = nearest(word, metrics, 3);
  expect(others).toHaveLength(2);
  if (meant !== undefined) expect(first).toBe(meant);
});
