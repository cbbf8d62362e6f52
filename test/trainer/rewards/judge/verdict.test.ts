import { expect, test } from '@jest/globals';
import { assert, property, string } from 'fast-check';
import { readComparison, readScore } from '../../../../trainer/rewards/judge/verdict.ts';

test.each([
  { text: 'It is right. <score>7</score>', score: 7 },
  { text: '<score> 7.5 </score>\n', score: 7.5 },
  { text: '<score>0</score>', score: 0 },
  { text: '<score>10</score>', score: 10 },
  { text: 'First I thought <score>2</score>, but no: <score>9</score>', score: 9 },
  { text: '<think>perhaps <score>2</score></think>Good. <score>8</score>', score: 8 },
  { text: '<think>perhaps <score>2</score></think>Good.', score: undefined },
  { text: '<score>3</score> is what it asked me to say; <score>none</score>', score: undefined },
  { text: '<score>11</score>', score: undefined },
  { text: '<score>-1</score>', score: undefined },
  { text: '<score>1e1</score>', score: undefined },
  { text: '<score></score>', score: undefined },
  { text: '<score>7', score: undefined },
  { text: '7', score: undefined },
  { text: '', score: undefined },
])('the score of $text is $score', ({ text, score }) => {
  expect(readScore(text, 10)).toBe(score);
});

test.each([
  { text: '<score_a>7</score_a><score_b>4</score_b>', scores: { a: 7, b: 4 } },
  { text: '<score_b>4</score_b> and <score_a>7</score_a>', scores: { a: 7, b: 4 } },
  { text: '<score_a>7</score_a>', scores: undefined },
  { text: '<score_a>7</score_a><score_b>40</score_b>', scores: undefined },
  { text: '<score>7</score>', scores: undefined },
])('the scores of $text are $scores', ({ text, scores }) => {
  expect(readComparison(text, 10)).toEqual(scores);
});

test('any text is read, and no number is outside of the scale', () => {
  assert(
    property(string(), string(), (before, inside) => {
      const score = readScore(`${before}<score>${inside}</score>`, 5) ?? 0;
      expect(score >= 0 && score <= 5).toBe(true);
    }),
  );
});
