import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { formatReward } from '../../../../trainer/rewards/responses/format.ts';
import { parseResponse } from '../../../../trainer/rewards/responses/parse-response.ts';
import { isReadable } from '../../../../trainer/rewards/responses/readable.ts';

const inTag = { kind: 'number', in: 'answerTag', gold: '15' } as const;

/** Of a model whose template ends with `<think>`. */
const completions = JSON.parse(
  readFileSync(new URL('../../../fixtures/responses/thought-opened.json', import.meta.url), 'utf8'),
) as { text: string; format: number; readable: boolean }[];

test.each([
  { text: '<think>7+8=15</think><answer>15</answer>', reasoning: 1, general: 1 },
  { text: ' <think>7+8=15</think>\n\n<answer>15</answer>\n', reasoning: 1, general: 1 },
  { text: '<think>a\nb</think><answer>1\n2</answer>', reasoning: 1, general: 1 },
  { text: '<answer>15</answer>', reasoning: 0, general: 1 },
  { text: '<answer>Hi!</answer> Bye', reasoning: 0, general: 0 },
  { text: '<answer>15</answer><think>7+8=15</think>', reasoning: 0, general: 0 },
  { text: '<think></think><answer>15</answer>', reasoning: 0, general: 0 },
  { text: '<think>7+8=15</think><answer> </answer>', reasoning: 0, general: 0 },
  { text: '<think>7+8=15</think><answer>15', reasoning: 0, general: 0 },
  { text: '<think>7+8=15<answer>15</answer>', reasoning: 0, general: 0 },
  { text: '7+8=15</think><answer>15</answer>', reasoning: 0, general: 0 },
  { text: '<think>7+8=15</think>15', reasoning: 0, general: 0 },
  { text: '<think>7+8=15<answer>15</answer></think>', reasoning: 0, general: 0 },
  { text: 'So: <think>7+8=15</think><answer>15</answer>', reasoning: 0, general: 0 },
  { text: '<think>7+8=15</think>so<answer>15</answer>', reasoning: 0, general: 0 },
  { text: '<think>7+8=15</think><answer>15</answer>.', reasoning: 0, general: 0 },
  { text: '<think>a</think><think>b</think><answer>15</answer>', reasoning: 0, general: 0 },
  { text: '<think>a<think>b</think></think><answer>15</answer>', reasoning: 0, general: 0 },
  { text: '<think>a</think><answer>15</answer><answer>16</answer>', reasoning: 0, general: 0 },
  { text: '<think>a</think><answer><answer>15</answer></answer>', reasoning: 0, general: 0 },
  { text: '<think>a</think><answer>15</answer></think><answer>16</answer>', reasoning: 0, general: 0 },
  { text: '<Think>a</Think><Answer>15</Answer>', reasoning: 0, general: 0 },
  { text: '< think>a</think><answer>15</answer>', reasoning: 0, general: 0 },
  { text: '', reasoning: 0, general: 0 },
  { text: '15', reasoning: 0, general: 0 },
])('format of $text: $reasoning, for general prompts $general', ({ text, reasoning, general }) => {
  expect(formatReward({ domain: 'reasoning', answer: inTag }, text)).toBe(reasoning);
  expect(formatReward({ domain: 'general', answer: inTag }, text)).toBe(general);
});

// Answers that are read from the text need no tag: R1's published form is a chain of thought and a plain summary.
test.each([
  { text: '<think>7+8=15</think><answer>15</answer>', reasoning: 1, general: 1 },
  { text: '<think>\n7+8=15\n</think>\n\nThe sum is 15.', reasoning: 1, general: 1 },
  { text: '<think>7+8=15</think>\n', reasoning: 0, general: 0 },
  { text: '<think>\n\n</think>\n\nThe sum is 15.', reasoning: 0, general: 0 },
  { text: '<think>a</think>b</think>The sum is 15.', reasoning: 0, general: 0 },
  { text: 'So <think>7+8=15</think>The sum is 15.', reasoning: 0, general: 0 },
  { text: '<think>7+8=15</think>The <answer>sum is 15.', reasoning: 0, general: 0 },
  { text: 'Hello!', reasoning: 0, general: 1 },
])('format of $text where the answer is read from the text: $reasoning, general $general', (example) => {
  for (const answer of [{ ...inTag, in: 'completion' } as const, undefined]) {
    expect(formatReward({ domain: 'reasoning', answer }, example.text)).toBe(example.reasoning);
    expect(formatReward({ domain: 'general', answer }, example.text)).toBe(example.general);
  }
});

describe('behind a prompt that opened the chain of thought', () => {
  test.each(completions)('$text', ({ text, format, readable }) => {
    for (const opening of ['<think>\n', '<think>']) {
      const row = { domain: 'reasoning', answer: inTag } as const;
      expect(formatReward(row, opening + text, opening)).toBe(format);
      expect(isReadable(row, opening + text, opening)).toBe(readable);
    }
  });
});

describe('behind a prompt that closed the chain of thought', () => {
  const opening = '<think>\n\n</think>\n\n';
  test.each([
    { text: '<answer>15</answer>', inTag: 1, inText: 1 },
    { text: 'The sum is 15.', inTag: 0, inText: 1 },
    { text: '<think>7+8=15</think><answer>15</answer>', inTag: 0, inText: 0 },
    { text: '</think><answer>15</answer>', inTag: 0, inText: 0 },
    { text: '', inTag: 0, inText: 0 },
  ])('$text', (example) => {
    const score = (answer: typeof inTag | undefined) =>
      formatReward({ domain: 'reasoning', answer }, opening + example.text, opening);
    expect(score(inTag)).toBe(example.inTag);
    expect(score(undefined)).toBe(example.inText);
  });
});

test.each([
  {
    name: 'a whole completion',
    text: '<think> a b </think> <answer> c </answer>',
    parts: { think: 'a b', answer: 'c', summary: 'c', languageText: 'a b' },
  },
  { name: 'plain text', text: 'a b c', parts: { summary: 'a b c', languageText: 'a b c' } },
  {
    name: 'a chain of thought that never ends',
    text: '<think>a <answer>c</answer>',
    parts: { think: 'a  c', summary: '', languageText: 'a  c' },
  },
  {
    name: 'a chain of thought opened by the prompt',
    text: 'a</think><answer>c</answer>',
    parts: { think: 'a', answer: 'c', summary: 'c', languageText: 'a' },
  },
  {
    name: 'an answer injected into the chain of thought',
    text: '<think>a<answer>x</answer></think><answer>c</answer>',
    parts: { think: 'a x', summary: 'c', languageText: 'a x' },
  },
  {
    name: 'a forged end of the chain of thought',
    text: '<think>a</think><answer>x</answer> more</think> rest',
    parts: { think: 'a  x  more', summary: 'rest', languageText: 'a  x  more' },
  },
])('parts of $name', ({ text, parts }) => {
  const { form: _form, ...found } = parseResponse(text);
  expect(found).toEqual(parts);
});

test('a long text full of tags is parsed all the same', () => {
  expect(parseResponse('<think><answer>'.repeat(100_000)).form).toBe('malformed');
  expect(parseResponse('<answer>'.repeat(100_000) + '</answer>'.repeat(100_000)).form).toBe('malformed');
});
