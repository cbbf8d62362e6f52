import { expect, test } from '@jest/globals';
import type { Decision } from '../../../trainer/review/decision.ts';
import { secondReaders } from '../../../trainer/review/second-readers.ts';
import { standings } from '../../../trainer/review/standing.ts';

function made(reviewer: string, decision: Decision['decision'], more: Partial<Decision> = {}): Decision {
  return { id: 'row', decision, reviewer, ...more };
}

function standing(readers: 1 | 2, ...decisions: Decision[]) {
  return standings([{ id: 'row', digest: 'now', readers }], decisions)[0];
}

const edit = { completion: 'better' };

test.each([
  { name: 'nobody has decided on', readers: 1, decisions: [], state: 'open' },
  { name: 'one has decided on', readers: 1, decisions: [made('Ada', 'reject')], state: 'settled', outcome: 'reject' },
  {
    name: 'somebody thinks otherwise of later',
    readers: 1,
    decisions: [made('Ada', 'reject'), made('Grace', 'accept')],
    state: 'settled',
    outcome: 'accept',
  },
  {
    name: 'that became another one since',
    readers: 1,
    decisions: [made('Ada', 'accept', { of: 'then' })],
    state: 'open',
  },
  {
    name: 'that is the one decided on',
    readers: 1,
    decisions: [made('Ada', 'accept', { of: 'now' })],
    state: 'settled',
    outcome: 'accept',
  },
  { name: 'the first of two readers has decided on', readers: 2, decisions: [made('Ada', 'accept')], state: 'open' },
  {
    name: 'the same reader has decided on twice',
    readers: 2,
    decisions: [made('Ada', 'accept'), made('Ada', 'reject')],
    state: 'open',
  },
  {
    name: 'two readers agree on',
    readers: 2,
    decisions: [made('Ada', 'edit', edit), made('Grace', 'edit', edit)],
    state: 'settled',
    outcome: 'edit',
  },
  {
    name: 'two readers edit differently',
    readers: 2,
    decisions: [made('Ada', 'edit', edit), made('Grace', 'edit', { completion: 'best' })],
    state: 'disputed',
  },
  {
    name: 'two readers disagree on until one comes round',
    readers: 2,
    decisions: [made('Ada', 'accept'), made('Grace', 'reject'), made('Ada', 'reject')],
    state: 'settled',
    outcome: 'reject',
  },
  {
    name: 'a third person decides',
    readers: 2,
    decisions: [made('Ada', 'accept'), made('Grace', 'reject'), made('Kay', 'reject'), made('Kay', 'accept')],
    state: 'settled',
    outcome: 'accept',
  },
] as const)('a row that $name is $state', ({ readers, decisions, state, ...expected }) => {
  const found = standing(readers, ...decisions);
  expect(found?.state).toBe(state);
  expect(found?.outcome?.decision).toBe('outcome' in expected ? expected.outcome : undefined);
});

test('a decision on a row that is not there counts for none', () => {
  expect(standing(1, made('Ada', 'accept', { id: 'other' }))?.state).toBe('open');
});

test('second readers get the share of the rows, whatever their order, and others with another seed', () => {
  const ids = Array.from({ length: 40 }, (_, index) => `row-${index}`);
  const drawn = secondReaders(ids, 0.25, 1);
  expect(drawn.size).toBe(10);
  expect(secondReaders(ids.toReversed(), 0.25, 1)).toEqual(drawn);
  expect([...secondReaders(ids, 0.25, 2)].toSorted()).not.toEqual([...drawn].toSorted());
  expect([0, 0.001, 1].map((share) => secondReaders(ids, share, 1).size)).toEqual([0, 1, 40]);
});
