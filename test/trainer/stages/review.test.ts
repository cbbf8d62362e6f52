import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { publishCheckpoint } from '../../../trainer/checkpoint/store.ts';
import type { Row } from '../../../trainer/contract/dataset.ts';
import type { PinnedInput } from '../../../trainer/contract/stage-file.ts';
import { readRows, writeRows } from '../../../trainer/data/rows.ts';
import { codeDigest } from '../../../trainer/engine/code-digest.ts';
import { type Exit, readResult, startStage, writeStage } from '../../support/trainer.ts';

let root: string;
let samples: PinnedInput;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'r1-review-'));
  const { path, digest } = await publishCheckpoint(root, {
    name: 'data',
    step: 0,
    final: true,
    settingsDigest: '0'.repeat(64),
    engine: {},
    write: (directory) => writeRows(join(directory, 'rows.jsonl'), rows),
  });
  samples = { stage: 'samples', path, digest };
});
afterAll(() => rm(root, { recursive: true, force: true }));

const [three, five, seven] = [sum(1, 2), sum(2, 3), sum(3, 4)];
const rows = [three, five, seven];

function sum(a: number, b: number): Row {
  return {
    id: `sums/${a}+${b}`,
    dataset: 'sums',
    domain: 'reasoning',
    language: 'en',
    messages: [{ role: 'user', content: `${a}+${b}=` }],
    completion: `<think>${a} plus ${b}</think><answer>${a + b}</answer>`,
    answer: { kind: 'number', in: 'answerTag', gold: String(a + b) },
  };
}

interface Decision {
  readonly id: string;
  readonly decision: string;
  readonly reviewer?: string;
  readonly completion?: string;
}

interface Reviewed {
  readonly exit: Exit;
  readonly out: string;
}

/** Runs a review of the three rows with the lines of `decisions.jsonl`. */
async function review(required: boolean, decisions?: readonly (Decision | string)[]): Promise<Reviewed> {
  const directory = await mkdtemp(join(root, 'review-'));
  const out = join(directory, 'review');
  if (decisions) {
    const lines = decisions.map((decision) => (typeof decision === 'string' ? decision : JSON.stringify(decision)));
    await mkdir(out);
    await writeFile(join(out, 'decisions.jsonl'), lines.join('\n'));
  }
  const settings = { review: { data: 'samples', required } };
  const file = await writeStage(directory, { name: 'review', settings, inputs: { samples } });
  const { ended } = startStage(file, { env: { R1_RUNTIME: 'none' } }); // a review that opened a runtime would end with it
  return { exit: await ended, out };
}

async function expectRefused({ exit, out }: Reviewed, ...says: readonly string[]): Promise<void> {
  expect(exit.stderr.trim().split('\n')).toHaveLength(1);
  for (const text of says) expect(exit.stderr).toContain(text);
  expect(exit.code).toBe(64);
  expect(await readResult(out, '')).toMatchObject({ outcome: 'failed', reason: 'userError' });
  expect(await readdir(out)).not.toContain('data');
}

async function recordOf(out: string): Promise<unknown> {
  return JSON.parse(await readFile(join(out, 'data/review.json'), 'utf8'));
}

test('rows that nobody must review pass, and the result says that they were not reviewed', async () => {
  const { exit, out } = await review(false);
  expect(exit).toMatchObject({ code: 0, stderr: '' });
  const { message, metrics, checkpoint } = await readResult(out, '');
  expect(message).toBe('3 rows not reviewed');
  expect(metrics).toEqual({ reviewed: 0, not_reviewed: 3, rejected: 0, rows: 3 });
  expect([...(await readRows(join(out, 'data/rows.jsonl')))]).toEqual(rows);
  expect(await recordOf(out)).toMatchObject({ complete: false, reviewed: 0, not_reviewed: 3, reviewers: [] });
  const manifest: unknown = JSON.parse(await readFile(join(checkpoint?.path ?? '', 'checkpoint.json'), 'utf8'));
  expect(manifest).toMatchObject({ final: true, parent: { stage: 'samples', digest: samples.digest } });
  expect(manifest).toHaveProperty('engine', { trainer: codeDigest(), node: process.versions.node });
});

test('a review that is required and not made is refused with the path of its queue', async () => {
  const reviewed = await review(true);
  const queue = join(reviewed.out, 'queue.jsonl');
  await expectRefused(reviewed, `${queue}: 3 of 3 rows wait for review`, 'decisions.jsonl');
  expect([...(await readRows(queue))]).toEqual(rows);
});

test('a review that is required and half made is refused', async () => {
  const reviewed = await review(true, [{ id: three.id, decision: 'accept', reviewer: 'Ada' }]);
  await expectRefused(reviewed, '2 of 3 rows wait for review');
});

test('accepted rows pass, edited ones with their new completion, rejected ones not, and reviewers are named', async () => {
  const edited = '<think>two and three</think><answer>5</answer>';
  const { exit, out } = await review(true, [
    { id: three.id, decision: 'accept', reviewer: 'Grace' },
    { id: five.id, decision: 'edit', completion: edited, reviewer: 'Ada' },
    '',
    { id: seven.id, decision: 'reject', reviewer: 'Grace' },
  ]);
  expect(exit).toMatchObject({ code: 0, stderr: '' });
  expect([...(await readRows(join(out, 'data/rows.jsonl')))]).toEqual([three, { ...five, completion: edited }]);
  const counts = { reviewed: 3, not_reviewed: 0, rejected: 1, rows: 2 };
  expect(await readResult(out, '')).toMatchObject({ message: '3 rows reviewed', metrics: counts });
  expect(await recordOf(out)).toEqual({ complete: true, ...counts, reviewers: ['Ada', 'Grace'] });
});

const accept = { decision: 'accept', reviewer: 'Ada' };

test.each([
  {
    name: 'an edit that breaks the answer',
    decisions: [{ ...accept, id: five.id, decision: 'edit', completion: '<think>2+3</think><answer>6</answer>' }],
    says: [five.id, 'breaks the answer', 'expected 5'],
  },
  {
    name: 'an edit without a completion',
    decisions: [{ ...accept, id: five.id, decision: 'edit' }],
    says: [five.id, 'needs a completion'],
  },
  {
    name: 'a broken line',
    decisions: [{ ...accept, id: three.id }, '{"id": '],
    says: ['decisions.jsonl:2: '],
  },
  {
    name: 'a broken line after an empty one',
    decisions: [{ ...accept, id: three.id }, '', '{"id": '],
    says: ['decisions.jsonl:3: '],
  },
  {
    name: 'an unknown decision',
    decisions: [{ ...accept, id: three.id, decision: 'perhaps' }],
    says: ['decisions.jsonl:1: ', 'perhaps'],
  },
  {
    name: 'a decision without a reviewer',
    decisions: [{ id: three.id, decision: 'accept' }],
    says: ['decisions.jsonl:1: ', 'reviewer'],
  },
])('$name is refused and nothing is published', async ({ decisions, says }) => {
  await expectRefused(await review(false, decisions), ...says);
});

test('whoever decided on none of the rows is not named as their reviewer', async () => {
  const { out } = await review(false, [
    { ...accept, id: three.id },
    { id: 'sums/9+9', decision: 'accept', reviewer: 'Grace' },
  ]);
  expect(await recordOf(out)).toMatchObject({ reviewed: 1, reviewers: ['Ada'] });
});
