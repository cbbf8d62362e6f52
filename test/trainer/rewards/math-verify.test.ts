import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { verify } from '../../../trainer/rewards/verify.ts';

/** Made by make_pairs.py beside it, which says how. */
const file = new URL('../../fixtures/math-verify/pairs.jsonl', import.meta.url);

interface Pair {
  readonly kind: string;
  readonly gold: string;
  readonly answer: string;
  readonly mathVerify: boolean;
}

const pairs = readFileSync(file, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Pair);

/** Where we say otherwise than math-verify 0.9.0, and why. */
const disagreements = [
  { why: 'a sum that is not worked out repeats the question', kind: 'number', mathVerify: true, count: 30 },
  {
    why: 'a fraction whose terms are still to be cancelled to a number',
    kind: 'rational function',
    mathVerify: true,
    count: 2,
  },
  { why: 'it does not read `4*pi/3` between dollar signs', kind: 'pi', mathVerify: false, count: 20 },
  {
    why: 'it has no interval for the answer `x > 3` to `(3, \\infty)`, though the other way about',
    kind: 'interval',
    mathVerify: false,
    count: 14,
  },
];

test('of 1,937 pairs 1,871 are judged as math-verify judges them, and the others for a reason', () => {
  expect(pairs).toHaveLength(1937);
  const others = pairs.filter(({ gold, answer, mathVerify }) => {
    const row = { answer: { kind: 'math', in: 'answerTag', gold } } as const;
    return (verify(row, `<answer>$${answer}$</answer>`).outcome === 'correct') !== mathVerify;
  });
  const explained = disagreements.map(({ kind, mathVerify }) =>
    others.filter((pair) => pair.kind === kind && pair.mathVerify === mathVerify),
  );
  expect(explained.map(({ length }) => length)).toEqual(disagreements.map(({ count }) => count));
  expect(others).toHaveLength(66);
});
