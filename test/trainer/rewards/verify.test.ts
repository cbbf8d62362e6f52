import { expect, test } from '@jest/globals';
import type { Row } from '../../../trainer/contract/settings/dataset.ts';
import { goldProblem, judge, verify } from '../../../trainer/rewards/verify.ts';

type Answer = NonNullable<Row['answer']>;

function row(gold: string, answer: Partial<Answer> = {}, language?: Row['language']): Row {
  return {
    id: 'sums/1',
    dataset: 'sums',
    domain: 'reasoning',
    ...(language && { language }),
    messages: [{ role: 'user', content: 'Add 47+38.' }],
    answer: { kind: 'number', in: 'answerTag', gold, ...answer },
  };
}

const think = '<think>ones 7+8=15</think>';

test.each([
  { name: 'gold', gold: '85', text: `${think}<answer>85</answer>`, score: 1 },
  { name: 'white space and a full stop', gold: '85', text: `${think}<answer> 85. </answer>`, score: 1 },
  { name: 'trailing zeros', gold: '85', text: `${think}<answer>85.00</answer>`, score: 1 },
  { name: 'leading zeros', gold: '85', text: `${think}<answer>085</answer>`, score: 1 },
  { name: 'thousands separator', gold: '1234567', text: `${think}<answer>1,234,567</answer>`, score: 1 },
  { name: 'misplaced separator', gold: '1234', text: `${think}<answer>12,34</answer>`, score: 0 },
  { name: 'fraction', gold: '0.5', text: `${think}<answer>1/2</answer>`, score: 1 },
  { name: 'fraction of zero', gold: '0.5', text: `${think}<answer>1/0</answer>`, score: 0 },
  { name: 'typographic minus', gold: '-3', text: `${think}<answer>−3</answer>`, score: 1 },
  { name: 'sign', gold: '-3', text: `${think}<answer>3</answer>`, score: 0 },
  {
    name: 'more digits than a float has',
    gold: '9007199254740993',
    text: `${think}<answer>9007199254740992</answer>`,
    score: 0,
  },
  { name: 'wrong', gold: '85', text: `${think}<answer>84</answer>`, score: 0 },
  { name: 'empty completion', gold: '85', text: '', score: 0 },
  { name: 'empty answer', gold: '85', text: `${think}<answer></answer>`, score: 0 },
  { name: 'answer only inside the chain of thought', gold: '85', text: '<think><answer>85</answer></think>', score: 0 },
  {
    name: 'answer inside a chain of thought that never ends',
    gold: '85',
    text: '<think>hm <answer>85</answer>',
    score: 0,
  },
  { name: 'answer before the chain of thought', gold: '85', text: '<answer>85</answer><think>hm</think>', score: 0 },
  { name: 'answer without tags', gold: '85', text: `${think}85`, score: 0 },
  { name: 'all options listed', gold: '85', text: `${think}<answer>83, 84, 85, 86</answer>`, score: 0 },
  { name: 'two answers', gold: '85', text: `${think}<answer>85</answer><answer>86</answer>`, score: 0 },
  {
    name: 'the right answer last of two',
    gold: '85',
    text: `${think}<answer>84</answer><answer>85</answer>`,
    score: 0,
  },
  { name: 'nested tags', gold: '85', text: `${think}<answer><answer>85</answer></answer>`, score: 0 },
  { name: 'injected tags', gold: '85', text: '<think>a<answer>85</answer></think><answer>84</answer>', score: 0 },
  { name: 'unclosed answer', gold: '85', text: `${think}<answer>85`, score: 0 },
  { name: 'words around the number', gold: '85', text: `${think}<answer>it is 85</answer>`, score: 0 },
  { name: 'a thousand digits', gold: '1', text: `${think}<answer>${'1'.repeat(1000)}</answer>`, score: 0 },
  { name: 'not a number', gold: '85', text: `${think}<answer>NaN</answer>`, score: 0 },
])('number: $name scores $score', ({ gold, text, score }) => {
  expect(verify(row(gold), text)).toEqual({ outcome: score === 1 ? 'correct' : 'wrong', score });
});

test.each([
  { text: '3,5', gold: '3.5', score: 1 },
  { text: '3.5', gold: '3.5', score: 1 },
  { text: '1.234', gold: '1234', score: 1 },
  { text: '1.234,5', gold: '1234.5', score: 1 },
  { text: '1,234', gold: '1234', score: 0 },
])('number in German: $text for $gold scores $score', ({ text, gold, score }) => {
  expect(verify(row(gold, {}, 'de'), `<answer>${text}</answer>`).score).toBe(score);
});

test.each([
  { text: '3 + 4 = 7', gold: '7', score: 1 },
  { text: 'The sum is 7.', gold: '7', score: 1 },
  { text: 'It is 7, not 8', gold: '7', score: 0 },
  { text: '10-3', gold: '3', score: 1 },
  { text: '= -3', gold: '-3', score: 1 },
  { text: '<think>3 + 4 = 7</think>The sum is seven', gold: '7', score: 0 },
  { text: '<think>3 + 4 = 8</think>7', gold: '7', score: 1 },
  { text: '<think>3 + 4 = 7', gold: '7', score: 0 },
  { text: 'no idea', gold: '7', score: 0 },
  { text: '', gold: '7', score: 0 },
])('the last number of "$text" for $gold scores $score', ({ text, gold, score }) => {
  expect(verify(row(gold, { in: 'completion' }), text).score).toBe(score);
});

test.each([
  { answer: 'red, yellow, blue', score: 1 },
  { answer: 'Blue, red and yellow.', score: 1 },
  { answer: 'crimson; blue; yellow', score: 1 },
  { answer: 'rot, gelb und blau', score: 0 },
  { answer: 'red, crimson', score: 1 / 3 },
  { answer: 'red, blue', score: 2 / 3 },
  { answer: 'red, red, red', score: 1 / 3 },
  { answer: 'red, blue, green', score: 0 },
  { answer: 'red, yellow, blue, green', score: 0 },
  { answer: 'red, yellow, blue, green, black, white, orange', score: 0 },
  { answer: 'green', score: 0 },
  { answer: ', ,', score: 0 },
])('list: "$answer" scores $score', ({ answer, score }) => {
  const { outcome, score: found } = verify(
    row('red|crimson, yellow, blue', { kind: 'list' }),
    `<answer>${answer}</answer>`,
  );
  expect(found).toBe(score);
  expect(outcome).toBe(score === 1 ? 'correct' : score === 0 ? 'wrong' : 'partial');
});

test('a wrong extra never raises the score of a list', () => {
  const items = ['red', 'yellow', 'blue'];
  const subsets = Array.from({ length: 8 }, (_, bits) => items.filter((_item, index) => (bits >> index) & 1));
  for (const subset of subsets) {
    const scoreOf = (list: string[]) =>
      verify(row('red, yellow, blue', { kind: 'list' }), `<answer>${list.join(', ')}</answer>`).score;
    expect(scoreOf([...subset, 'green'])).toBeLessThanOrEqual(scoreOf(subset));
  }
});

test.each([
  { answer: 'a  sum', score: 1 },
  { answer: 'A sum', score: 0 },
])('exact: "$answer" scores $score', ({ answer, score }) => {
  expect(verify(row('a sum', { kind: 'exact' }), `<answer>${answer}</answer>`).score).toBe(score);
});

test('a pattern is looked for in the answer and never in the chain of thought', () => {
  const greeting = row('(help|do for you)\\?$', { kind: 'pattern' });
  expect(verify(greeting, '<answer>Hi Ana! How can I help?</answer>').score).toBe(1);
  expect(verify(greeting, '<answer>Hi Ana. It is a fine day.</answer>').score).toBe(0);
  expect(verify(greeting, '<think>How can I help?</think><answer>Hi.</answer>').score).toBe(0);
});

test('a pattern that makes backtracking engines hang is graded', () => {
  const hanging = row('^(a+)+$', { kind: 'pattern' });
  expect(verify(hanging, `<answer>${'a'.repeat(5000)}b</answer>`)).toMatchObject({ outcome: 'wrong', score: 0 });
  expect(verify(hanging, `<answer>${'a'.repeat(5000)}</answer>`).score).toBe(1);
});

test.each([
  { kind: 'number', gold: 'eighty-five' },
  { kind: 'number', gold: '84 or 85' },
  { kind: 'number', gold: '' },
  { kind: 'exact', gold: '  ' },
  { kind: 'list', gold: ' , ' },
  { kind: 'pattern', gold: '(help' },
] as const)('gold "$gold" of kind $kind is refused by name and never scores', ({ kind, gold }) => {
  const bad = row(gold, { kind });
  expect(goldProblem(bad.answer!)).toMatch(/^answer ".*" cannot be parsed; expected /);
  expect(verify(bad, `<answer>${gold}</answer>`)).toEqual({ outcome: 'abstain', score: 0 });
});

test('equal answers vote together', () => {
  expect(judge(row('85'), '<answer>85.0</answer>').value).toBe(judge(row('85'), '<answer>85</answer>').value);
  expect(judge(row('85'), '<answer>86</answer>').value).not.toBe(judge(row('85'), '<answer>85</answer>').value);
  expect(judge(row('85'), 'no answer').value).toBeUndefined();
  const list = row('red, blue', { kind: 'list' });
  expect(judge(list, '<answer>red, blue</answer>').value).toBe(judge(list, '<answer>Blue, red</answer>').value);
});
