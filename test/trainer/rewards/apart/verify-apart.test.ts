import { expect, test } from '@jest/globals';
import { judge } from '../../../../trainer/rewards/verify.ts';
import { judgeApart, unread } from '../../../../trainer/rewards/apart/verify-apart.ts';

const variables = 'pqrstuvwxy'.split('');
/** Of as many signs and variables as are read. */
const longFormula = `${variables.join('&')}${variables.map((each) => `|${each}`).join('')}`
  .padEnd(399, '|p')
  .slice(0, 399);
const nested = (depth: number, inside: string): string => `${'\\sin('.repeat(depth)}${inside}${') '.repeat(depth)}`;

const asked = [
  { kind: 'math', gold: 'x^2 + 1', text: '\\boxed{1 + x^2}', outcome: 'correct' },
  { kind: 'math', gold: 'x^2 + 1', text: '\\boxed{x^2}', outcome: 'wrong' },
  { kind: 'math', gold: '\\sin(\\cos(\\ln(x)))', text: '$\\sin(\\cos(\\ln x))$', outcome: 'correct' },
  // With each further function the parser takes four times as long over the fault inside.
  { kind: 'math', gold: 'x', text: `\\boxed{${nested(6, '+')}}`, outcome: 'wrong' },
  { kind: 'logic', gold: 'p -> q', text: '$\\neg p \\lor q$', outcome: 'correct' },
  { kind: 'logic', gold: longFormula, text: `$${longFormula}$`, outcome: 'correct' },
  { kind: 'logic', gold: '{"satisfy": "p & !q"}', text: 'p = true, q = false', outcome: 'correct' },
  { kind: 'cited', gold: 'no object', text: '42 [a]', outcome: 'abstain' },
] as const;

test.each(asked)(
  '$kind $text is $outcome for $gold, in a thread of its own as here',
  async ({ kind, gold, text, outcome }) => {
    const row = { answer: { kind, gold, in: 'completion' as const } };
    const judgement = await judgeApart(row, text);
    expect(judgement).toEqual(judge(row, text));
    expect(judgement.verdict.outcome).toBe(outcome);
  },
);

test.each([
  ['timeout', 'timeout'],
  ['broken', 'error'],
  ['error', 'error'],
] as const)('a thread that was lost by %s abstains, and is counted as %s', (lost, because) => {
  expect(unread(lost)).toMatchObject({ verdict: { outcome: 'abstain', unscored: { because } } });
});
