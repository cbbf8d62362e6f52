import { expect, test } from '@jest/globals';
import { array, assert, constantFrom, nat, property, tuple } from 'fast-check';
import { cohensKappa } from '../../../trainer/algorithms/cohens-kappa.ts';
import { agreementOf } from '../../../trainer/review/agreement.ts';
import { choices, type Choice, type Decision } from '../../../trainer/review/decision.ts';
import { standings } from '../../../trainer/review/standing.ts';

function times(count: number, a: Choice, b: Choice): [Choice, Choice][] {
  return Array.from({ length: count }, () => [a, b]);
}

test.each([
  {
    name: "the textbook's fifty grant proposals",
    // https://en.wikipedia.org/wiki/Cohen%27s_kappa#Simple_example: 20 both yes, 5 and 10 differ, 15 both no.
    chosen: [
      ...times(20, 'accept', 'accept'),
      ...times(5, 'accept', 'reject'),
      ...times(10, 'reject', 'accept'),
      ...times(15, 'reject', 'reject'),
    ],
    kappa: 0.4,
  },
  {
    name: 'full agreement on several choices',
    chosen: [...times(3, 'accept', 'accept'), ...times(2, 'edit', 'edit')],
    kappa: 1,
  },
  {
    name: 'full disagreement of two halves',
    chosen: [...times(2, 'accept', 'reject'), ...times(2, 'reject', 'accept')],
    kappa: -1,
  },
  {
    name: 'one who always accepts, and one who does not',
    chosen: [...times(3, 'accept', 'accept'), ...times(1, 'accept', 'edit')],
    kappa: 0,
  },
  { name: 'two who always accept', chosen: times(4, 'accept', 'accept'), kappa: undefined },
  { name: 'no rows', chosen: [], kappa: undefined },
])("Cohen's kappa of $name", ({ chosen, kappa }) => {
  const found = cohensKappa(chosen);
  if (kappa === undefined) expect(found).toBeUndefined();
  else expect(found).toBeCloseTo(kappa, 12);
});

const choice = constantFrom(...choices);

test('kappa is −1 … 1, the same for both orders of the readers and for any order of the rows', () => {
  assert(
    property(array(tuple(choice, choice)), nat(), (chosen, by) => {
      const kappa = cohensKappa(chosen);
      const swapped = cohensKappa(chosen.map(([a, b]) => [b, a]));
      const turned = cohensKappa([
        ...chosen.slice(by % (chosen.length + 1)),
        ...chosen.slice(0, by % (chosen.length + 1)),
      ]);
      for (const other of [swapped, turned]) {
        if (kappa === undefined) expect(other).toBeUndefined();
        else expect(other).toBeCloseTo(kappa, 12);
      }
      if (kappa !== undefined) expect(Math.abs(kappa)).toBeLessThanOrEqual(1 + 1e-12);
    }),
  );
});

function made(id: string, reviewer: string, decision: Choice): Decision {
  return { id, decision, reviewer };
}

test('agreement is of each pair of people, and its mean weighs the rows that they have both read', () => {
  const rows = ['1', '2', '3', '4', '5', '6'].map((id) => ({ id, digest: '', readers: 2 as const }));
  const { pairs, agreement, kappa } = agreementOf(
    standings(rows, [
      ...['1', '2', '3', '4'].map((id) => made(id, 'Grace', Number(id) < 3 ? 'accept' : 'reject')),
      ...['1', '2', '3', '4'].map((id) => made(id, 'Ada', Number(id) < 4 ? 'accept' : 'reject')),
      made('5', 'Ada', 'reject'),
      made('5', 'Kay', 'reject'),
      made('6', 'Ada', 'reject'), // and nobody else
    ]),
  );
  expect(pairs).toEqual([
    { reviewers: ['Ada', 'Grace'], rows: 4, agreement: 0.75, kappa: 0.5 },
    { reviewers: ['Ada', 'Kay'], rows: 1, agreement: 1 }, // on one choice, which chance explains
  ]);
  expect(agreement).toBeCloseTo((4 * 0.75 + 1) / 5, 12);
  expect(kappa).toBe(0.5);
});

test('a reader who comes round to the other changes the outcome and no agreement', () => {
  const rows = [{ id: '1', digest: '', readers: 2 as const }];
  const before = [made('1', 'Ada', 'accept'), made('1', 'Ada', 'reject'), made('1', 'Grace', 'accept')];
  const [disputed] = standings(rows, before);
  expect(disputed?.state).toBe('disputed');
  const [settled] = standings(rows, [...before, made('1', 'Ada', 'accept')]);
  expect(settled).toMatchObject({ state: 'settled', outcome: { decision: 'accept' } });
  expect(agreementOf([settled!]).agreement).toBe(0); // Ada had come to reject before Grace accepted
});
