import { expect, test } from '@jest/globals';
import { didYouMean } from '../../../operator/api/suggestion.ts';

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
