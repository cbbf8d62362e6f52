import { expect, test } from '@jest/globals';
import type { Row } from '../../../trainer/contract/settings/dataset.ts';
import { InterruptedError, UserError } from '../../../trainer/contract/process/errors.ts';
import { checkRows, describeFindings, type Verdict, withoutPlaces } from '../../../trainer/data/check-rows.ts';

const row = (id: string): Row => ({
  id,
  dataset: 'a',
  domain: 'general',
  messages: [{ role: 'user', content: id }],
});
const rows = (ids: string) => ids.split('').map(row);
const idsOf = (list: Iterable<Row>) => Array.from(list, ({ id }) => id).join('');

/** Judges a row by its id. */
function judge({ id }: Row): Verdict {
  if (id === 'l') return { kind: 'dropped', reason: 'overlong', found: 'has 9 tokens' };
  if (id === 'n') return { kind: 'dropped', reason: 'no_room', found: 'has 8 tokens' };
  if (id === 'f') return { kind: 'fault', found: 'has no completion' };
  return { kind: id === 'c' ? 'cut' : 'used' };
}

const check = (ids: string) => checkRows(rows(ids), judge, { what: 'sft.data a' });

test('rows that cannot be used are left out and counted by their reason, the first of each named', async () => {
  const { rows: kept, findings, dropped } = await check('lacnbl');
  expect(idsOf(kept)).toBe('acb');
  expect(dropped).toEqual([0, 3, 5]);
  expect(findings).toEqual({
    rows: 6,
    used: 3,
    cut: 1,
    dropped: [
      { reason: 'overlong', rows: 2, first: 'row l: has 9 tokens' },
      { reason: 'no_room', rows: 1, first: 'row n: has 8 tokens' },
    ],
  });
  expect(describeFindings(findings)).toBe(
    '3 of 6 rows are used; 1 of them cut; dropped: 2 overlong (first: row l: has 9 tokens), 1 no_room (first: row n: has 8 tokens)',
  );
  expect(idsOf(withoutPlaces(rows('lacnbl'), dropped))).toBe('acb');
});

test.each([
  { ids: 'afb', says: /^row f: has no completion$/ },
  { ids: 'affbf', says: /^row f: has no completion; 2 more of the 5 rows of sft\.data a cannot be used either$/ },
  {
    ids: 'lln',
    says: /^sft\.data a: 0 of 3 rows are used; dropped: 2 overlong \(first: row l: has 9 tokens\), 1 no_room/,
  },
])('refuses $ids in words', async ({ ids, says }) => {
  await expect(check(ids)).rejects.toThrow(UserError);
  await expect(check(ids)).rejects.toThrow(says);
});

function slow(): Verdict {
  const until = performance.now() + 20;
  while (performance.now() < until);
  return { kind: 'used' };
}

test('a long check ends when somebody asks for it', async () => {
  const seen: number[] = [];
  const onActivity = (done: number): void => {
    seen.push(done);
    if (seen.length === 2) throw new InterruptedError('asked to stop');
  };
  await expect(checkRows(rows('a'.repeat(1000)), slow, { what: 'a', onActivity })).rejects.toThrow(InterruptedError);
  expect(seen[1]).toBeLessThan(1000);
});
