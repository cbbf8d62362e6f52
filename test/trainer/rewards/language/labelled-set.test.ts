import { expect, test } from '@jest/globals';
import { eld } from 'eld/extrasmall';
import { labelledSet } from '../../../../bench/languages/labelled.ts';
import { languages } from '../../../../trainer/contract/settings/languages.ts';
import { languageConsistency } from '../../../../trainer/rewards/language/language-consistency.ts';

const labelled = labelledSet();
const known = languages.filter((language) => labelled.some(({ label }) => label === language));

/** Portuguese and Russian have near neighbours, and of 34 short sentences one or two go to them. */
test.each(known)('short sentences in %s are of that language, and of no other', async (language) => {
  const own: number[] = [];
  const other: number[] = [];
  for (const { label, text } of labelled) {
    if (label === 'none') continue;
    (label === language ? own : other).push(await languageConsistency(text, language));
  }
  expect(own.length).toBeGreaterThanOrEqual(34);
  expect(mean(own)).toBeGreaterThanOrEqual(0.94);
  expect(mean(other)).toBeLessThanOrEqual(0.01);
});

test('formulas, code and addresses are of no language', async () => {
  const texts = labelled.filter(({ label, text }) => label === 'none' && /[^\p{L}\s,]/u.test(text));
  expect(texts.length).toBeGreaterThan(40);
  for (const { text } of texts) expect([text, await languageConsistency(text, 'en')]).toEqual([text, 1]);
});

test('the languages of the contract are those that the identifier knows', () => {
  const { Languages: codes } = eld.info();
  expect(Object.values(codes).toSorted()).toEqual(languages.toSorted());
});

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
