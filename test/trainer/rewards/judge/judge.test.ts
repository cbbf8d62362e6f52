import { expect, test } from '@jest/globals';
import type { Row } from '../../../../trainer/contract/settings/dataset.ts';
import { UserError } from '../../../../trainer/contract/process/errors.ts';
import type { JudgeSettings } from '../../../../trainer/contract/settings/judge.ts';
import { reward } from '../../../../trainer/contract/settings/rewards.ts';
import { Judge, type Question, type Reply } from '../../../../trainer/rewards/judge/judge.ts';

const row = (id: string): Row => ({
  id,
  dataset: 'chat',
  domain: 'general',
  messages: [{ role: 'user', content: `question ${id}` }],
});

/** A judge that answers as it is told, and what it was asked. */
function judgeOf(settings: object, answer: (text: string, vote: number) => string | { refused: string }) {
  const asked: Question[] = [];
  const { judge } = reward.parse({ judge: { from: 'base', rubric: rubricOf(settings), ...settings } });
  const judged = new Judge(judge as JudgeSettings, async (questions) => {
    asked.push(...questions);
    return questions.map(({ text, vote }): Reply => {
      const said = answer(text, vote);
      return typeof said === 'string' ? { text: said, tokens: 3 } : { text: '', tokens: 0, ...said };
    });
  });
  return { judge: judged, asked };
}

const rubricOf = (settings: object) => ('by' in settings ? '{{ response_a }}|{{ response_b }}' : '{{ response }}');
const texts = (...all: string[]) => {
  const ofAll = row('1');
  return all.map((text) => ({ row: ofAll, text }));
};
const score = (number: number) => `<score>${number}</score>`;
const compared = (a: number, b: number) => `<score_a>${a}</score_a><score_b>${b}</score_b>`;

test('a score is a share of the scale, and the mean of its votes', async () => {
  const { judge, asked } = judgeOf({ scale: 5, votes: 2, sampling: { temperature: 1 } }, (text, vote) =>
    score(text === 'good' ? 5 - vote : 1),
  );
  expect(await judge.score(texts('good', 'bad'))).toEqual([0.9, 0.2]);
  expect(asked).toEqual([
    { text: 'good', vote: 0 },
    { text: 'good', vote: 1 },
    { text: 'bad', vote: 0 },
    { text: 'bad', vote: 1 },
  ]);
});

test('verdicts that cannot be read are counted and never scored', async () => {
  const { judge } = judgeOf({ votes: 3, sampling: { temperature: 1 } }, (text, vote) =>
    text === 'half' && vote > 0 ? score(4 * vote) : 'I would rather not say',
  );
  expect(await judge.score(texts('half', 'none'))).toEqual([
    expect.closeTo(0.6),
    { because: 'abstain', message: expect.stringContaining('"I would rather not say"') },
  ]);
  expect(judge.takeFigures()).toEqual({ verdicts: 6, unparsable: 4, tokens: 18 });
  expect(judge.takeFigures()).toEqual({ verdicts: 0, unparsable: 0, tokens: 0 });
});

test('a question that the judge refuses costs its score; where it has refused all from the beginning, the stage ends', async () => {
  const { judge } = judgeOf({}, (text) => (text === 'long' ? { refused: '400: too long' } : score(10)));
  expect(await judge.score(texts('long', 'short'))).toEqual([
    { because: 'error', message: 'the judge refused: 400: too long' },
    1,
  ]);
  expect(judge.takeFigures().unparsable).toBe(0);
  expect(await judge.score(texts('long'))).toMatchObject([{ because: 'error' }]);
  const asking = judgeOf({}, () => ({ refused: '400: too long' })).judge.score(texts('long', 'long'));
  await expect(asking).rejects.toThrow(UserError);
  await expect(asking).rejects.toThrow('judge: all 2 questions were refused, such as: 400: too long');
});

const quality = new Map([
  ['best', 9],
  ['good', 7],
  ['bad', 2],
  ['as bad', 2],
]);
const honest = (text: string) => {
  const [a = '', b = ''] = text.split('|');
  return compared(quality.get(a) ?? 0, quality.get(b) ?? 0);
};

test('siblings are compared in a ring, each pair in both orders', async () => {
  const { judge, asked } = judgeOf({ by: 'comparison' }, honest);
  expect(await judge.score(texts('best', 'good', 'bad'))).toEqual([1, 0.5, 0]);
  expect(asked.map(({ text }) => text)).toEqual([
    'best|good',
    'good|best',
    'good|bad',
    'bad|good',
    'bad|best',
    'best|bad',
  ]);
});

test('two siblings are one pair, equal texts are a draw that nobody is asked about, and a lone one has nothing', async () => {
  const { judge, asked } = judgeOf({ by: 'comparison' }, honest);
  const [one, two, three] = ['1', '2', '3'].map(row) as [Row, Row, Row];
  const scores = await judge.score([
    { row: one, text: 'bad' },
    { row: two, text: 'good' },
    { row: one, text: 'best' },
    { row: two, text: 'good' },
    { row: three, text: 'best' },
  ]);
  expect(scores.slice(0, 4)).toEqual([0, 0.5, 1, 0.5]);
  expect(scores[4]).toEqual({ because: 'abstain', message: 'there is nothing to compare it with' });
  expect(asked).toHaveLength(2);
});

test('what a judge gives to a place cancels out', async () => {
  const { judge } = judgeOf({ by: 'comparison', margin: 0 }, () => compared(9, 1));
  expect(await judge.score(texts('one', 'other', 'third'))).toEqual([0.5, 0.5, 0.5]);
  const biased = judgeOf({ by: 'comparison' }, (text) => (text.startsWith('best') ? compared(10, 2) : compared(6, 5)));
  expect(await biased.judge.score(texts('best', 'good'))).toEqual([1, 0]); // (8 − 1) / 2 = 3.5
});

test.each([
  { margin: 1.9, scores: [1, 0] },
  { margin: 2, scores: [0.5, 0.5] },
])('a difference of 2 at a margin of $margin', async ({ margin, scores }) => {
  const { judge } = judgeOf({ by: 'comparison', margin }, honest);
  expect(await judge.score(texts('best', 'good'))).toEqual(scores);
});

test('a comparison without a verdict in one of its orders does not count', async () => {
  const { judge } = judgeOf({ by: 'comparison' }, (text) => (text === 'good|best' ? 'Hm.' : honest(text)));
  expect(await judge.score(texts('best', 'good', 'bad'))).toEqual([1, 1, 0]);
  expect(judge.takeFigures()).toMatchObject({ verdicts: 6, unparsable: 1 });
  expect(await judge.score(texts('best', 'good'))).toEqual([
    { because: 'abstain', message: expect.stringContaining('"Hm."') },
    { because: 'abstain', message: expect.stringContaining('"Hm."') },
  ]);
});

test.each([
  { rubric: '{{ response', message: /judge.rubric: is no template that can be used/ },
  {
    rubric: 'How good is it?',
    message: /judge.rubric: does not show the judge what it is to judge; expected response in it/,
  },
  {
    rubric: '{{ response_a }} or {{ response_b }}',
    message: /judge.rubric: does not show the judge what it is to judge; expected response in it/,
  },
  { by: 'comparison', rubric: '{{ response_a }}', message: /expected response_a and response_b in it/ },
  {
    rubric: '{{ response }}',
    preferencePolicy: { name: 'kind/1', text: 'Prefer what is kind.' },
    message: /judge.rubric: does not show the judge the preference policy; expected policy in it/,
  },
])('refuses the rubric $rubric', ({ message, ...settings }) => {
  expect(() => judgeOf(settings, () => '')).toThrow(message);
  expect(() => judgeOf(settings, () => '')).toThrow(UserError);
});

test.each(['score', 'comparison'])('the rubric that there is for a %s shows the preference policy', async (by) => {
  const preferencePolicy = { name: 'kind/1', text: 'Prefer {{ what }} is kind.' };
  const { judge, asked } = judgeOf({ by, rubric: undefined, preferencePolicy }, () => 'unread');
  await judge.score(texts('one text', 'another text'));
  for (const { text } of asked) expect(text).toContain('Prefer {{ what }} is kind.');
});

test.each(['score', 'comparison'])('the rubric that there is for a %s tells the judge all', async (by) => {
  const { judge, asked } = judgeOf({ by, rubric: undefined, scale: 7 }, () => 'unread');
  const graded: Row = { ...row('1'), answer: { kind: 'exact', in: 'completion', gold: 'forty-two' } };
  await judge.score(['one text', 'another text'].map((text) => ({ row: graded, text })));
  for (const { text } of asked)
    for (const part of ['question 1', 'forty-two', ' text', ' to 7 ', '</score']) expect(text).toContain(part);
  await judge.score(texts('one text', 'another text'));
  expect(asked.at(-1)?.text).not.toContain('right answer is known');
});
