import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { exportRows } from '../../../trainer/review/export-rows.ts';
import { importDecisions } from '../../../trainer/review/import-decisions.ts';
import { type ReviewSession, tally } from '../../../trainer/review/review-session.ts';
import { openSums, sum } from '../../support/review.ts';

let out: string;
let session: ReviewSession;
beforeEach(async () => {
  out = await mkdtemp(join(tmpdir(), 'r1-review-'));
  session = openSums(out);
});
afterEach(() => rm(out, { recursive: true, force: true }));

const [three, five, seven] = [sum(1, 2), sum(2, 3), sum(3, 4)];
const better = '<think>two and three</think><answer>5</answer>';

async function exported(reviewer?: string): Promise<Record<string, unknown>[]> {
  const lines = await Array.fromAsync(exportRows(session, reviewer));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

function jsonl(...lines: (object | string)[]): string {
  return lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n');
}

test('a decision is on the disk, with its time and what it was about, and is there for the next one to look', async () => {
  expect(await session.decide([{ id: five.id, decision: 'edit', completion: better, reviewer: 'Ada' }])).toEqual({
    added: 1,
  });
  const [line] = (await readFile(join(out, 'decisions.jsonl'), 'utf8')).trim().split('\n');
  expect(JSON.parse(line ?? '')).toMatchObject({
    id: five.id,
    completion: better,
    reviewer: 'Ada',
    of: session.digestOf(five.id),
  });
  expect(tally(await openSums(out).standings()).metrics).toEqual({
    reviewed: 1,
    not_reviewed: 2,
    edited: 1,
    rejected: 0,
    rows: 3,
  });
});

test.each([
  {
    name: 'a wrong answer',
    completion: '<think>2+3</think><answer>6</answer>',
    says: /^the edit breaks the answer: found "6".*gold 5$/,
  },
  {
    name: 'no answer',
    completion: 'five, I think',
    says: /^the edit breaks the answer: found nothing, expected one <answer> block .*gold 5$/,
  },
  { name: 'nothing', completion: ' ', says: /^the edit is empty/ },
  {
    name: 'the text as it was',
    completion: five.completion,
    says: /^the edit changes nothing; expected the decision accept$/,
  },
  { name: 'no text', completion: undefined, says: /^an edit needs a completion$/ },
])('an edit with $name is refused in the words of the verifier', async ({ completion, says }) => {
  const made = {
    id: five.id,
    decision: 'edit',
    reviewer: 'Ada',
    ...(completion !== undefined && { completion }),
  } as const;
  const done = await session.decide([made]);
  expect('problems' in done && done.problems.get(0)).toMatch(says);
  expect((await session.standings()).every(({ state }) => state === 'open')).toBe(true);
});

test('what another process decides is seen, and decisions at once are all kept', async () => {
  const other = openSums(out);
  await Promise.all([
    session.decide([{ id: three.id, decision: 'accept', reviewer: 'Ada' }]),
    other.decide([{ id: five.id, decision: 'reject', reviewer: 'Grace' }]),
    session.decide([{ id: seven.id, decision: 'accept', reviewer: 'Ada' }]),
  ]);
  expect(tally(await session.standings())).toMatchObject({
    metrics: { reviewed: 3, rejected: 1 },
    reviewers: ['Ada', 'Grace'],
  });
});

test('a last line that was cut off while it was written is as if it had never been', async () => {
  await session.decide([{ id: three.id, decision: 'accept', reviewer: 'Ada' }]);
  await appendFile(join(out, 'decisions.jsonl'), '{"id":"sums/2+3","decision":"rej');
  const after = openSums(out);
  expect(tally(await after.standings()).metrics.reviewed).toBe(1);
  await after.decide([{ id: five.id, decision: 'accept', reviewer: 'Ada' }]);
  expect(tally(await openSums(out).standings()).metrics.reviewed).toBe(2);
});

test('a line in the middle that is no decision is named', async () => {
  await writeFile(join(out, 'decisions.jsonl'), '{"id":"sums/2+3","deci\n{}\n');
  await expect(session.standings()).rejects.toThrow(/decisions\.jsonl:1: expected \{"id"/);
});

test('rows go out, come in decided, and coming in again they are no news', async () => {
  const rows = await exported();
  expect(rows.map(({ id, decision }) => ({ id, decision }))).toEqual(
    [three, five, seven].map(({ id }) => ({ id, decision: null })),
  );
  const [first, second, third] = rows.map((row) => ({ ...row, mine: 'a field of a tool' }));
  const filled = jsonl(
    { ...first, decision: 'accept' },
    { ...second, decision: 'edit', completion: better, comment: 'shorter' },
    third!,
  );
  const told = { name: 'filled.jsonl', reviewer: 'Ada' };
  expect(await importDecisions(session, filled, told)).toEqual({ added: 2, undecided: 1, known: 0 });
  expect(await importDecisions(session, jsonl(...(await exported())), told)).toEqual({
    added: 0,
    undecided: 1,
    known: 2,
  });
  expect(await exported()).toMatchObject([
    { id: three.id, decision: 'accept', reviewer: 'Ada' },
    { id: five.id, decision: 'edit', completion: better, comment: 'shorter' },
    { id: seven.id, decision: null },
  ]);
});

test('broken lines are named with their numbers, and nothing is half-imported', async () => {
  const good = { id: three.id, decision: 'accept', reviewer: 'Ada' };
  const text = jsonl(
    good,
    '{"id": ',
    '',
    { ...good, id: 'sums/9+9' },
    { ...good, decision: 'perhaps' },
    { ...good, reviewer: '' },
    { ...good, completion: 'another one' },
    { ...good, id: five.id, decision: 'edit', completion: '<answer>6</answer>' },
    { ...good, of: '0000' },
    '[]',
  );
  const refused = importDecisions(session, text, { name: 'mine.jsonl' });
  await expect(refused).rejects.toThrow(/^mine\.jsonl:2: expected JSON: /);
  await refused.catch(({ message }: Error) => {
    expect(message.split('\n').map((line) => line.replace(/: .*/, ''))).toEqual([
      ...[2, 4, 5, 6, 9, 10].map((line) => `mine.jsonl:${line}`),
      'nothing was imported',
    ]);
    expect(message).toContain('mine.jsonl:4: id: found "sums/9+9", expected the id of a row of this review');
    expect(message).toContain('mine.jsonl:5: decision: expected one of accept, edit, reject, or null');
    expect(message).toContain('mine.jsonl:6: reviewer: expected the name of a person');
    expect(message).toContain('mine.jsonl:9: row sums/1+2 has become another one since it was exported');
  });
  expect(await exported()).toMatchObject([{ decision: null }, { decision: null }, { decision: null }]);
});

test('lines that read well and cannot be taken are named as well', async () => {
  const good = { id: three.id, decision: 'accept', reviewer: 'Ada' };
  const text = jsonl(
    good,
    { ...good, completion: 'another one' },
    { ...good, id: five.id, decision: 'edit', completion: '<answer>6</answer>' },
  );
  await expect(importDecisions(session, text, { name: 'mine.jsonl' })).rejects.toThrow(
    /^mine\.jsonl:2: the completion is another one, and the decision is accept; expected edit\nmine\.jsonl:3: the edit breaks the answer: .*\nnothing was imported$/,
  );
  expect(tally(await session.standings()).metrics.reviewed).toBe(0);
});

test('a second reader gets the rows that are to be read twice, without a word of the first', async () => {
  session = openSums(out, { secondReader: 1 });
  await session.decide([{ id: three.id, decision: 'reject', reviewer: 'Ada', comment: 'wrong' }]);
  const rows = await exported('Grace');
  expect(rows).toMatchObject(
    [three, five, seven].map(({ id }) => ({ id, decision: null, reviewer: 'Grace', comment: '' })),
  );
});
