import { expect, test } from '@jest/globals';
import { formatReward } from '../../../trainer/rewards/format.ts';
import { parseResponse } from '../../../trainer/rewards/parse-response.ts';

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
  expect(formatReward(text)).toBe(reasoning);
  expect(formatReward(text, 'general')).toBe(general);
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
  const { wellFormed: _wellFormed, bareAnswer: _bareAnswer, ...found } = parseResponse(text);
  expect(found).toEqual(parts);
});

test('a long text full of tags is parsed in linear time', () => {
  const started = performance.now();
  parseResponse('<think><answer>'.repeat(100_000));
  parseResponse('<answer>'.repeat(100_000) + '</answer>'.repeat(100_000));
  expect(performance.now() - started).toBeLessThan(2000);
});
