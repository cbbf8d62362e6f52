import { expect, test } from '@jest/globals';
import type { Row } from '../../../../trainer/contract/settings/dataset.ts';
import { EvaluationGrams } from '../../../../trainer/data/origins/evaluation-grams.ts';
import { verify } from '../../../../trainer/rewards/verify.ts';
import { candidatesOf } from '../../../../trainer/stages/sample/candidates.ts';

const row: Row = {
  id: 'chat/1',
  dataset: 'chat',
  domain: 'general',
  language: 'en',
  messages: [{ role: 'user', content: 'How many eggs are in two boxes of six?' }],
  completion: 'There are 12 eggs.',
  answer: { kind: 'number', in: 'completion', gold: '12' },
};
const thought = 'Each box has six eggs, and two boxes have twice as many.';

function response(text: string) {
  return { text, opening: '', tokens: 9, terminated: true };
}
function sampled(method: 'plain' | 'thought', ...texts: readonly string[]) {
  return [row, { id: row.id, method, messages: row.messages, completions: texts.map(response) }] as const;
}
function examiner(grams?: EvaluationGrams) {
  return {
    settings: { minLanguageConsistency: 0.9 },
    verify: async (items: readonly { row: Row; text: string }[]) => items.map((item) => verify(item.row, item.text)),
    grams,
  };
}
async function oneOf(method: 'given' | 'plain' | 'thought', text: string, given = row, grams?: EvaluationGrams) {
  const put = { id: 'chat/1', method, messages: row.messages, completions: [response(text)] };
  const [candidates] = await candidatesOf([[given, put]], examiner(grams));
  return candidates?.[0];
}

test('a given completion is judged as it is', async () => {
  const { correct, ...rest } = (await oneOf('given', row.completion ?? ''))?.passes ?? {};
  expect({ correct, ...rest }).toEqual({ correct: true, readable: true, oneLanguage: true, notOverlong: true });
  expect(await oneOf('given', 'There are 13.')).toMatchObject({ passes: { correct: false }, sample: 0 });
});

test('a thought is put before the given completion, and what the model answered is left out', async () => {
  const candidate = await oneOf('thought', `<think>${thought}</think>\n\nSo it is 12.`);
  expect(candidate).toMatchObject({
    text: `<think>${thought}</think>\n\nThere are 12 eggs.`,
    passes: { correct: true, readable: true, oneLanguage: true, notOverlong: true },
  });
  expect(candidate?.fault).toBeUndefined();
});

test('before an answer in tags it stands without a blank line', async () => {
  const tagged = {
    ...row,
    completion: '<answer>12</answer>',
    answer: { kind: 'number', in: 'answerTag', gold: '12' },
  } as const;
  const candidate = await oneOf('thought', `<think>${thought}</think><answer>12</answer>`, tagged);
  expect(candidate).toMatchObject({ text: `<think>${thought}</think><answer>12</answer>`, passes: { correct: true } });
});

test.each([
  {
    what: 'that came to a wrong answer',
    text: `<think>${thought}</think>\n\nSo it is 13.`,
    expected: { passes: { correct: false } },
  },
  { what: 'that was never ended', text: `<think>${thought}`, expected: { fault: 'noThought' } },
  { what: 'that was left out', text: 'There are 12.', expected: { fault: 'noThought' } },
  { what: 'that is empty', text: '<think></think>There are 12.', expected: { fault: 'noThought' } },
])('a thought $what is not taken', async ({ text, expected }) => {
  expect(await oneOf('thought', text)).toMatchObject(expected);
});

test('a completion with words of an evaluation question has a fault', async () => {
  const grams = new EvaluationGrams();
  const question = 'A farmer has six hens and each of them lays two eggs a day; how many?';
  grams.add([{ messages: [{ role: 'user', content: question }] }]);
  expect(await oneOf('plain', `It is like this: ${question}`, row, grams)).toMatchObject({ fault: 'contaminated' });
  expect((await oneOf('plain', 'There are 12.', row, grams))?.fault).toBeUndefined();
});

test('a verifier is asked once of all prompts, and once more of what stands behind a thought, and each prompt has its own', async () => {
  const asked: string[][] = [];
  const { verify: ours, ...rest } = examiner();
  const verifyCounted: typeof ours = (items) => {
    asked.push(items.map(({ text }) => text));
    return ours(items);
  };
  const thinking = `<think>${thought}</think>\n\nSo it is 12.`;
  const prompts = [sampled('plain', '12', '13'), sampled('thought', 'No thought.', thinking), sampled('plain', '14')];
  const candidates = await candidatesOf(prompts, { ...rest, verify: verifyCounted });
  const joined = `<think>${thought}</think>\n\nThere are 12 eggs.`;
  expect(asked).toEqual([['12', '13', 'No thought.', thinking, '14'], [joined]]);
  expect(candidates.map((each) => each.map(({ sample, text, fault }) => [sample, fault ?? text]))).toEqual([
    [
      [0, '12'],
      [1, '13'],
    ],
    [
      [0, 'noThought'],
      [1, joined],
    ],
    [[0, '14']],
  ]);
});
