import { expect, test } from '@jest/globals';
import { randomKey, uniform } from '../../../trainer/algorithms/random.ts';
import { goldProblem, verify } from '../../../trainer/rewards/verify.ts';
import { judgedRow } from '../../support/answer-rows.ts';

/** Values of the sizes that answers of grade-school sums have: counts, money, a few negative ones. */
const values = Array.from({ length: 500 }, (_, index) => {
  const draw = (what: string, below: number) => Math.floor(uniform(randomKey(11, what, index), 0) * below);
  const cents = index % 10 === 3 ? draw('cents', 100) : 0;
  const whole = draw('whole', [10, 100, 1000, 100_000, 3_000_000][index % 5]!);
  return (index % 25 === 7 ? -1 : 1) * (whole + cents / 100);
});

const thousands = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });
const minus = (text: string, sign = '-') => text.replace('-', sign);

/** The last line of a solution, as the data set writes it. */
const golds = [
  (value: number) => `#### ${value}`,
  (value: number) => `#### ${thousands.format(value)}`,
  (value: number) => `#### ${value < 0 ? '-' : ''}$${thousands.format(Math.abs(value))}`,
];
const solution = (line: string) =>
  `She buys 3 boxes of 6, which is 3*6=<<3*6=18>>18.\nThen 18/2 = <<18/2=9>>9 are left.\n${line}`;

const waysInTag = [
  (value: number) => `${value}`,
  (value: number) => thousands.format(value),
  (value: number) => `**${minus(thousands.format(value), '−')}**`,
  (value: number) => `$${value}$`,
  (value: number) => `\\boxed{${thousands.format(value).replaceAll(',', '{,}')}}`,
  (value: number) => `${value < 0 ? '-' : ''}$${thousands.format(Math.abs(value))}.`,
  (value: number) => `${thousands.format(value)} eggs`,
  (value: number) => `x = ${value}`,
  (value: number) => `\\(${value}\\)`,
  (value: number) => `${value.toFixed(2)} dollars`,
];

const waysInText = [
  (value: number) => `The answer is ${value}.`,
  (value: number) => `So 3 of them make ${thousands.format(value)} in all.`,
  (value: number) => `Answer: **${value}**`,
  (value: number) => `She has ${value < 0 ? '-' : ''}$${thousands.format(Math.abs(value))} left.`,
  (value: number) => `In 2 steps: $\\boxed{${value}}$. I checked it in 3 ways.`,
  (value: number) => `3 * 6 = 18\n#### ${thousands.format(value)}`,
  (value: number) => `Thus $x = ${value}$.`,
  (value: number) => `\\[ y = ${value} \\]`,
  (value: number) => `It goes from 2 to ${minus(`${value}`, '–')} eggs a day`,
  (value: number) => `(${value})`,
];

test.each([
  { place: 'answerTag', ways: waysInTag, wrap: (text: string) => `<think>3 and 6</think><answer>${text}</answer>` },
  { place: 'completion', ways: waysInText, wrap: (text: string) => text },
] as const)(
  '500 solutions: the value in ten usual ways is right in $place, the next one never',
  ({ place, ways, wrap }) => {
    for (const [index, value] of values.entries()) {
      const gold = solution(golds[index % 3]!(value));
      const row = judgedRow({ in: place, answer: gold });
      expect([gold, goldProblem(row.answer!)]).toEqual([gold, undefined]);
      for (const way of ways) {
        const [right, next] = [wrap(way(value)), wrap(way(Math.round((value + 1) * 100) / 100))];
        expect([gold, right, verify(row, right).score]).toEqual([gold, right, 1]);
        expect([gold, next, verify(row, next).score]).toEqual([gold, next, 0]);
      }
    }
  },
);
