import { expect, test } from '@jest/globals';
import { didYouMean, nearest } from '../../../operator/api/suggestion.ts';

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

test('the nearest words share a part, then differ least', () => {
  const metrics = ['loss', 'rewards/format/mean', 'reward', 'eval/format_rate', 'kl'];
  expect(nearest('format', metrics, 2)).toEqual(['eval/format_rate', 'rewards/format/mean']);
});
