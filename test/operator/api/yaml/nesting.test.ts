import { expect, test } from '@jest/globals';
import { validateManifest } from '../../../../operator/api/manifest.ts';
import { tooDeepAt } from '../../../../operator/api/yaml/nesting.ts';

test.each([
  { name: 'lists in brackets', text: `a: 1\nb: ${'['.repeat(300_000)}`, at: { line: 2, column: 1004 } },
  { name: 'objects in braces', text: '{a: '.repeat(300_000), at: { line: 1, column: 4001 } },
  { name: 'lists on one line', text: `a:\n\n  ${'- '.repeat(300_000)}`, at: { line: 3, column: 2003 } },
])('$name are too deep from the thousand and first on, whatever follows', ({ text, at }) => {
  expect(tooDeepAt(text)).toBeDefined();
  expect(validateManifest(text, 'deep.yaml').problems).toEqual([expect.objectContaining(at)]);
});

test.each([
  { name: 'a long list', text: `[${'1, '.repeat(5000)}]` },
  { name: 'many short lists', text: `[${'[1], '.repeat(5000)}]` },
  { name: 'many items below each other', text: '- - a\n'.repeat(5000) },
  { name: 'brackets in a text', text: `a: "${'['.repeat(5000)}"` },
  { name: 'brackets that close nothing', text: ']'.repeat(5000) },
])('$name: not too deep', ({ text }) => {
  expect(tooDeepAt(text)).toBeUndefined();
});
