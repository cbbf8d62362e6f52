import type { ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { publishCheckpoint } from '../../../../trainer/checkpoint/store.ts';
import type { PinnedInput } from '../../../../trainer/contract/settings/stage-file.ts';
import { readRows, writeRows } from '../../../../trainer/data/rows.ts';
import { codeDigest } from '../../../../trainer/engine/code-digest.ts';
import { eventually } from '../../../support/eventually.ts';
import { sum } from '../../../support/review.ts';
import { type Exit, progressOf, readResult, startStage, startTrainer, writeStage } from '../../../support/trainer.ts';

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
    await writeFile(join(out, 'decisions.jsonl'), `${lines.join('\n')}\n`);
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
  expect(metrics).toEqual({ reviewed: 0, not_reviewed: 3, edited: 0, rejected: 0, rows: 3 });
  expect([...(await readRows(join(out, 'data/rows.jsonl')))]).toEqual(rows);
  expect(await recordOf(out)).toMatchObject({ complete: false, reviewed: 0, not_reviewed: 3, reviewers: [] });
  const manifest: unknown = JSON.parse(await readFile(join(checkpoint?.path ?? '', 'checkpoint.json'), 'utf8'));
  expect(manifest).toMatchObject({ final: true, parent: { stage: 'samples', digest: samples.digest } });
  expect(manifest).toHaveProperty('engine', { trainer: codeDigest(), node: process.versions.node });
});

interface Page {
  readonly port: number;
  readonly token: string;
}

const waiting: ChildProcess[] = [];
afterEach(() => {
  for (const child of waiting.splice(0)) child.kill('SIGKILL'); // of a test that has failed
});

/** A required review of the three rows that has begun to wait. */
async function waitingReview(secondReader = 0) {
  const directory = await mkdtemp(join(root, 'review-'));
  const out = join(directory, 'review');
  const settings = { review: { data: 'samples', secondReader } };
  const file = await writeStage(directory, { name: 'review', settings, inputs: { samples } });
  const { child, ended } = startStage(file, { env: { R1_RUNTIME: 'none' } });
  waiting.push(child);
  const failed = ended.then(({ stderr }) => Promise.reject(new Error(`it has ended: ${stderr}`)));
  return { file, out, child, ended, page: await Promise.race([pageOf(out), failed]) };
}

async function pageOf(out: string): Promise<Page> {
  return eventually(async () => {
    const page = JSON.parse(await readFile(join(out, 'review-page.json'), 'utf8')) as Page;
    expect(await ask(page, '/api/standings')).toMatchObject({ status: 200 });
    return page;
  });
}

async function ask({ port, token }: Page, path: string, body?: object) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    headers: { authorization: `Bearer ${token}` },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  });
  return { status: response.status, answer: (await response.json()) as Record<string, unknown> };
}

test('a required review waits for people, tells how far they are, and goes on once they are done', async () => {
  const { page, ended, out } = await waitingReview();
  const decided = { decision: 'accept', reviewer: 'Ada' };
  expect((await ask({ ...page, token: 'guess' }, '/api/rows')).status).toBe(401);
  expect((await ask(page, '/api/rows')).answer).toMatchObject({
    stage: 'review',
    rows: rows.map(({ id }) => ({ id })),
  });
  const broken = { ...decided, id: five.id, decision: 'edit', completion: '<answer>6</answer>' };
  expect(await ask(page, '/api/decisions', broken)).toMatchObject({
    status: 422,
    answer: { error: expect.stringMatching(/the edit breaks the answer: .*gold 5/) },
  });
  for (const { id } of rows) {
    expect(await ask(page, '/api/decisions', { ...decided, id })).toMatchObject({
      answer: { complete: id === seven.id },
    });
  }
  const exit = await ended;
  expect(exit).toMatchObject({ code: 0, stderr: '3 of 3 rows wait for a person\n' });
  expect(progressOf(exit)[0]).toMatchObject({ phase: 'review', step: 0, steps: 3 });
  expect(await readResult(out, '')).toMatchObject({ outcome: 'succeeded', message: '3 rows reviewed' });
});

test.each(['SIGTERM', 'SIGKILL'] as const)(
  'a review ended with %s goes on where it was, under the same address',
  async (signal) => {
    const { page, child, ended, file, out } = await waitingReview();
    await ask(page, '/api/decisions', { id: three.id, decision: 'reject', reviewer: 'Ada' });
    child.kill(signal);
    expect((await ended).code).toBe(signal === 'SIGTERM' ? 75 : null);
    const again = startStage(file, { env: { R1_RUNTIME: 'none' } });
    expect(await pageOf(out)).toEqual(page);
    const { answer } = await ask(page, '/api/standings?reviewer=Ada');
    expect(answer).toMatchObject({ rows: [{ id: three.id, mine: { decision: 'reject' } }] });
    for (const { id } of [five, seven]) await ask(page, '/api/decisions', { id, decision: 'accept', reviewer: 'Ada' });
    expect(await again.ended).toMatchObject({ code: 0 });
    expect(await recordOf(out)).toMatchObject({ complete: true, rejected: 1, rows: 2 });
  },
);

test('two readers decide apart, disagree, and a third person ends it; the record says how far they agreed', async () => {
  const { page, ended, out } = await waitingReview(1);
  const decide = (reviewer: string, id: string, decision: string) =>
    ask(page, '/api/decisions', { id, decision, reviewer });
  for (const { id } of rows) await decide('Ada', id, id === five.id ? 'reject' : 'accept');
  const { answer } = await ask(page, '/api/standings?reviewer=Grace');
  expect(answer).toMatchObject({ rows: rows.map(({ id }) => ({ id, state: 'open', others: [] })) });
  for (const { id } of rows) await decide('Grace', id, id === seven.id ? 'reject' : 'accept');
  expect((await ask(page, '/api/standings?reviewer=Kay')).answer).toMatchObject({ summary: { disputed: 2 } });
  await decide('Kay', five.id, 'reject');
  await decide('Ada', seven.id, 'reject');
  expect((await ended).code).toBe(0);
  expect(await recordOf(out)).toMatchObject({
    complete: true,
    rejected: 2,
    reviewers: ['Ada', 'Grace', 'Kay'],
    agreement: expect.closeTo(1 / 3),
    kappa: expect.closeTo(-0.5),
    readers: [{ reviewers: ['Ada', 'Grace'], rows: 3 }],
  });
});

test('r1-trainer review finds the page of a stage that waits, and decisions that it imports let the stage go on', async () => {
  const { page, ended, file, out } = await waitingReview();
  const found = await startTrainer(['review', '--stage', file]).ended;
  expect(found.stdout).toBe(`3 of 3 rows wait for a person: http://127.0.0.1:${page.port}/#${page.token}\n`);
  const filled = join(out, '../filled.jsonl');
  await startTrainer(['review', '--stage', file, '--export', filled]).ended;
  const lines = (await readFile(filled, 'utf8')).replaceAll('"decision":null', '"decision":"accept"');
  await writeFile(filled, lines);
  const nameless = await startTrainer(['review', '--stage', file, '--import', filled]).ended;
  expect(nameless.stderr).toMatch(/^r1: .*filled.jsonl:1: reviewer: expected the name of a person/);
  const imported = await startTrainer(['review', '--stage', file, '--import', filled, '--reviewer', 'Ada']).ended;
  expect(imported.stdout).toBe('3 decisions imported; all rows are reviewed\n');
  expect((await ended).code).toBe(0);
});

test('a review that was stopped can be gone on with before its stage runs again', async () => {
  const { page, child, ended, file, out } = await waitingReview();
  child.kill('SIGTERM');
  await ended;
  const { child: served, ended: closed } = startTrainer(['review', '--stage', file]);
  expect(await pageOf(out)).toEqual(page);
  for (const { id } of rows) await ask(page, '/api/decisions', { id, decision: 'accept', reviewer: 'Ada' });
  expect((await closed).stdout).toMatch(
    /^3 of 3 rows wait for a person: http.*\nCtrl-C .*\nall rows are reviewed; r1 run goes on\n$/,
  );
  expect(served.exitCode).toBe(0);
  expect(await startStage(file).ended).toMatchObject({ code: 0 });
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
  const counts = { reviewed: 3, not_reviewed: 0, edited: 1, rejected: 1, rows: 2 };
  expect(await readResult(out, '')).toMatchObject({ message: '3 rows reviewed', metrics: counts });
  expect(await recordOf(out)).toEqual({ complete: true, ...counts, reviewers: ['Ada', 'Grace'], readers: [] });
});

const accept = { decision: 'accept', reviewer: 'Ada' };

test.each([
  {
    name: 'an edit that breaks the answer',
    decisions: [{ ...accept, id: five.id, decision: 'edit', completion: '<think>2+3</think><answer>6</answer>' }],
    says: [five.id, 'breaks the answer', 'gold 5'],
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
