import { expect, test } from '@jest/globals';
import type { Row } from '../../../../trainer/contract/settings/dataset.ts';
import { isReadable } from '../../../../trainer/rewards/responses/readable.ts';
import { countReflections } from '../../../../trainer/rewards/responses/reflection.ts';
import { examineOne } from '../../../support/examine.ts';
import { sumRow as row } from '../../../support/sum-row.ts';

test.each([
  { thought: 'ones 7+8=15 tens 4+3+1=8', readable: true },
  { thought: '7+8=15\n\n7+8=15', readable: true },
  { thought: '100000000000 is a large number', readable: true },
  { thought: 'wait wait wait', readable: false },
  { thought: 'so it is so it is so it is', readable: false },
  { thought: 'hmmmmmmmmmmm', readable: false },
  { thought: '```print(85)```', readable: false },
  { thought: 'broken \ufffd byte', readable: false },
  { thought: 'bell \u0007', readable: false },
])('$thought is readable: $readable', ({ thought, readable }) => {
  expect(isReadable(row, `<think>${thought}</think><answer>85</answer>`)).toBe(readable);
});

test('without strict tags nothing is readable', () => {
  expect(isReadable(row, 'ones 7+8=15 85')).toBe(false);
  expect(isReadable(row, '<answer>Hi!</answer>')).toBe(false);
  expect(isReadable({ ...row, domain: 'general' }, '<answer>Hi!</answer>')).toBe(true);
});

test.each([
  { thought: 'ones 7+8=15', count: 0 },
  { thought: 'ones 7+8=15 check: 85-38=47', count: 1 },
  { thought: 'Wait, that is wrong. Let me see: checking again', count: 4 },
  { thought: 'Einer 7+8=15 Probe: 85-38=47', count: 1 },
  { thought: 'waiter checkered', count: 0 },
])('$thought verifies or revises $count times', ({ thought, count }) => {
  expect(countReflections(`<think>${thought}</think><answer>check</answer>`)).toBe(count);
});

test('rejection sampling learns of a completion what its filters ask', async () => {
  const ended = { opening: '', tokens: 30, terminated: true };
  const text = '<think>ones 7+8=15 Zehner 4+3+1=8</think><answer>85</answer>';
  expect(await examineOne(row, { text, ...ended })).toEqual({
    text,
    tokens: 30,
    passes: { correct: true, readable: true, oneLanguage: false, notOverlong: true },
    accuracy: 1,
  });
  const open = await examineOne(row, { ...ended, text: '<answer>84', terminated: false });
  expect(open.passes).toEqual({
    correct: false,
    readable: false,
    oneLanguage: true,
    notOverlong: false,
  });
});

test('a reasoning row without gold abstains; style and open questions of the general domain pass as correct', async () => {
  const plain = { text: '<answer>Hi Ana. It is a fine day.</answer>', opening: '', tokens: 30, terminated: true };
  const style = { kind: 'pattern', in: 'answerTag', gold: 'help\\?$' } as const;
  const examined = (changes: Partial<Row>) => examineOne({ ...row, ...changes }, plain);
  expect((await examined({ answer: undefined })).passes.correct).toBeUndefined();
  expect((await examined({ domain: 'general', answer: undefined })).passes.correct).toBe(true);
  expect(await examined({ domain: 'general', answer: style })).toMatchObject({
    passes: { correct: true },
    accuracy: 0,
  });
});
