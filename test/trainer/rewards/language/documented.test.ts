import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { languages } from '../../../../trainer/contract/settings/languages.ts';

test('the reference names the languages that are known', () => {
  const reference = readFileSync(new URL('../../../../docs/reference/languages.md', import.meta.url), 'utf8');
  const [, named = ''] = /Known codes: ([^.]*)\./.exec(reference) ?? [];
  expect(Array.from(named.matchAll(/`(\w+)`/g), ([, code]) => code)).toEqual(languages);
});
