import { expect, test } from '@jest/globals';
import { validateManifest } from '../../../../operator/api/manifest.ts';

/** A whole sentence for each; the text begins in line 4, below `metadata`. */
function problemsOf(text: string): string[] {
  const head = 'apiVersion: r1.dev/v1alpha1\nkind: R1Pipeline\nmetadata: {name: test}\n';
  return validateManifest(head + text, 'test.yaml').problems.map(
    ({ line, column, message }) => `${line}:${column}: ${message}`,
  );
}

test.each([
  {
    name: 'a tab as indentation',
    text: 'spec:\n\tbase: {}\n',
    says: '5:1: found a tab, expected spaces, as YAML is not indented with tabs (Tabs are not allowed as indentation)',
  },
  {
    name: 'a tab behind spaces',
    text: 'spec:\n  base:\n  \tinit: {}\n',
    says: '6:3: found a tab, expected spaces,',
  },
  {
    name: 'a tab inside of braces',
    text: 'spec: {seed: 1,\n\tbase: {}}\n',
    says: '5:1: found a tab, expected spaces,',
  },
  {
    name: 'a field too far out',
    text: 'spec:\n    base:\n      init: {}\n  stages: []\n',
    says: '7:3: found stages in column 3, expected column 7 (beside init) or 5 (beside base) or 1 (beside spec) (All mapping items must start at the same column)',
  },
  {
    name: 'the same with the line ends of Windows, below another document',
    text: 'spec: {}\r\n---\r\nspec:\r\n    base: {}\r\n  stages: []\r\n',
    says: '8:3: found stages in column 3, expected column 5 (beside base) or 1 (beside spec)',
  },
  {
    name: 'a field too far in',
    text: 'spec:\n  base: {}\n    stages: []\n',
    says: '6:5: found stages in column 5, expected column 3 (beside base) or 1 (beside spec)',
  },
  {
    name: 'a field too far in below a plain value',
    text: 'spec:\n  seed: 5\n    base: {}\n',
    says: '6:5: found base in column 5, expected column 3 (beside seed) or 1 (beside spec)',
  },
  {
    name: 'a field of a list item in the column of its -',
    text: 'spec:\n  stages:\n    - name: a\n    sft: {}\n',
    says: '7:5: found sft in column 5, expected column 7 (beside name) or 3 (beside stages) or 1 (beside spec)',
  },
  {
    name: 'a field of a list item between - and its fields',
    text: 'spec:\n  stages:\n  - name: a\n   sft: {}\n',
    says: '7:4: found sft in column 4, expected column 5 (beside name) or 3 (beside stages) or 1 (beside spec)',
  },
  {
    name: 'a field too far in below a list of objects in braces',
    text: 'spec:\n  datasets:\n    - {name: a}\n   stages: []\n',
    says: '7:4: found stages in column 4, expected column 3 (beside datasets) or 1 (beside spec)',
  },
  {
    name: 'a field of a list item too far in',
    text: 'spec:\n  stages:\n    - name: a\n       sft: {}\n',
    says: '7:8: found sft in column 8, expected column 7 (beside name)',
  },
  {
    name: 'a list item too far out',
    text: 'spec:\n  stages:\n      - name: a\n    - name: b\n',
    says: '7:5: found - name in column 5, expected column 7 (beside - name)',
  },
  {
    name: 'a list item among fields',
    text: 'spec:\n  stages:\n    name: a\n    - name: b\n',
    says: '7:5: found the list item - name beside the field name, expected only fields or only list items in column 5',
  },
  {
    name: 'a list item without its space',
    text: 'spec:\n  stages:\n    -name: a\n    - name: b\n',
    says: '6:5: found -name: a, expected a space behind the - of a list item',
  },
  {
    name: 'a field without a colon',
    text: 'spec:\n  base {}\n  stages: []\n',
    says: '5:3: found base {} without a colon, expected a field: base: {} (Implicit keys need to be on a single line)',
  },
  {
    name: 'an object without a colon',
    text: 'spec\n  base: {}\n',
    says: '4:1: found spec without a colon, expected a field: spec: …',
  },
  {
    name: 'a colon without its space',
    text: 'spec:\n  base: {}\n  seed:5\n',
    says: '6:3: found seed:5, expected a space behind the colon: seed: 5',
  },
  {
    name: 'a second colon in a line',
    text: 'spec:\n  system: You are: helpful\n',
    says: '5:11: found You are: helpful behind a colon, expected a line of its own for a field, or quotes around a text',
  },
  {
    name: 'an open double quote',
    text: 'spec:\n  a: "x"\n  b: "y \\" z\n  stages: []\n',
    says: '6:6: found a " that is not closed, expected another " where the text ends (Missing closing "quote)',
  },
  {
    name: 'an open single quote',
    text: "spec:\n  a: 'x'\n  b: '''y'' z\n  stages: []\n",
    says: "6:6: found a ' that is not closed, expected another ' where the text ends",
  },
  {
    name: 'an apostrophe in single quotes',
    text: "spec:\n  system: 'It's fine'\n",
    says: "5:15: found s fine' behind a closing ', expected nothing there, or '' for a quote inside of the text",
  },
  {
    name: 'an open brace',
    text: 'spec:\n  base: {init: {layers: 3}\n  stages: []\n',
    says: '5:9: found a { that is not closed, expected a } behind it, and all lines between them further in',
  },
  {
    name: 'a closing bracket too far out',
    text: 'spec:\n  data: [\n    a,\n]\n',
    says: '5:9: found a [ that is not closed, expected a ] behind it, and all lines between them further in',
  },
  {
    name: 'a bracket too many',
    text: 'spec:\n  data: [a, b]]\n  stages: []\n',
    says: '5:15: found a ] that closes nothing, expected as many closing brackets as opening ones',
  },
  {
    name: 'no comma in braces',
    text: 'spec:\n  base: {a: 1 b: 2}\n',
    says: '5:13: found 1 b: 2}, expected commas between what stands in brackets',
  },
  {
    name: 'a block of text that is not further in',
    text: 'spec:\n  template: |\n  abc\n',
    says: '6:3: found abc in column 3, expected the text of template further in than column 3',
  },
  {
    name: 'a pattern for files',
    text: 'spec:\n  file: *.jsonl\n',
    says: '5:9: found the alias *.jsonl, expected the anchor &.jsonl above it, or quotes around a text',
  },
  {
    name: 'a reserved character',
    text: 'spec:\n  file: @abc\n',
    says: '5:9: found @abc, expected quotes around a text that begins with @',
  },
  {
    name: 'a backslash in double quotes',
    text: 'spec:\n  file: "C:\\qwen"\n',
    says: '5:12: found \\q in double quotes, expected \\\\ for a backslash, or single quotes',
  },
  {
    name: 'a field twice',
    text: 'spec:\n  seed: 1\n  seed: 2\n',
    says: '6:3: found a second seed, expected each field once',
  },
  {
    name: 'a comment without its space',
    text: 'spec:\n  file: "a"#b\n',
    says: '5:12: found #b, expected a space before the # of a comment, or quotes around a text',
  },
  {
    name: 'what is rarer',
    text: 'spec:\n  file: |q\n    a\n',
    says: '5:10: found text that is no YAML, expected valid YAML (Block scalar header includes extra characters: |q)',
  },
])('$name: one sentence at the place of the mistake', ({ text, says }) => {
  const syntax = problemsOf(text).filter((each) => !each.includes('spec.stages: found nothing'));
  expect(syntax).toEqual([expect.stringContaining(says)]);
});

const deep = 5000;

test.each([
  { name: 'lists', text: `spec:\n  a:\n    ${'- '.repeat(deep)}\n` },
  { name: 'brackets', text: `spec: ${'['.repeat(deep)}` },
  { name: 'whole brackets', text: `spec: {stages: ${'['.repeat(deep)}${']'.repeat(deep)}}` },
])('$name that are nested without end are one problem', ({ text }) => {
  expect(problemsOf(text)).toEqual([expect.stringContaining('found lists or objects nested too deeply to be read')]);
});

test.each([
  { name: 'quotes', text: `spec: ${`"'`.repeat(10_000)}` },
  { name: 'fields', text: `spec:\n${'    a:\n'.repeat(1000)}  b: 1\n` },
])('$name without end are one problem', ({ text }) => {
  expect(problemsOf(text)).toHaveLength(1);
});
