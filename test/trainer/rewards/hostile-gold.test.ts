import { expect, test } from '@jest/globals';
import { patternSize } from '../../../trainer/rewards/verifiers/pattern-size.ts';
import { judgeApart } from '../../../trainer/rewards/apart/verify-apart.ts';
import { jsonSchemaVerifier } from '../../../trainer/rewards/verifiers/json-schema.ts';
import { patternVerifier } from '../../../trainer/rewards/verifiers/pattern.ts';

test.each([
  { text: 'abc', size: 3 },
  { text: String.raw`\d{4}-\d\d`, size: 7 },
  { text: '(ab{3}){1,100}', size: 500 },
  { text: '(?:a|b)*', size: 7 },
  { text: 'a{2,}', size: 2 },
  { text: 'a{0}', size: 1 },
  { text: '[{1,1000}]', size: 1 },
  { text: String.raw`\{1,1000}`, size: 8 },
  { text: String.raw`\p{Greek}{10}`, size: 10 },
  { text: '[[:alpha:]]{3}', size: 3 },
  { text: '((a{9}){9}){9}', size: 819 },
  { text: '(((', size: 0 },
  { text: '', size: 0 },
])('$text has $size signs with its repetitions written out', ({ text, size }) => {
  expect(patternSize(text)).toBe(size);
});

const deep = Array.from({ length: 40 }, (_, at) => {
  const next = { $ref: `#/$defs/d${at + 1}` };
  return [`d${at}`, { allOf: [next, next] }];
});
const doubling = JSON.stringify({
  $defs: { ...Object.fromEntries(deep), d40: { type: 'string' } },
  $ref: '#/$defs/d0',
});

test('a schema that refers to its own parts again and again ends in time, and is no verdict', async () => {
  const { verdict } = await judgeApart({ answer: { kind: 'jsonSchema', gold: doubling, in: 'completion' } }, '"a"');
  expect(verdict).toMatchObject({ outcome: 'abstain', unscored: { because: 'timeout' } });
});

test('a pattern of a schema has the same bound', () => {
  const pattern = '(a{1,1000})'.repeat(1000);
  expect(jsonSchemaVerifier.parseGold(JSON.stringify({ type: 'string', pattern }))).toBeUndefined();
});

test.each([
  { name: 'repetitions side by side', gold: '(a{1,1000})'.repeat(4000) },
  { name: 'a long repetition', gold: `(${'a'.repeat(10_000)}){1000}` },
  { name: 'a whole file', gold: '[^\\pL\\pN]'.repeat(200_000) },
])('$name are no gold answer, and take no time to refuse', ({ gold }) => {
  expect(patternVerifier.parseGold(gold)).toBeUndefined();
});
