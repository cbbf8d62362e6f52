import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, expect, test } from '@jest/globals';
import { readParquet } from '../../../trainer/data/files/parquet/read-parquet.ts';
import { writeCompletionsTable } from '../../../trainer/report/completions-table.ts';
import { useTemporaryDirectory } from '../../support/temporary-directory.ts';

const directory = useTemporaryDirectory();
const output = (): string => join(directory(), 'table.parquet');
const stage = (): string => join(directory(), 'stage');

beforeEach(() => mkdir(join(stage(), 'rollouts'), { recursive: true }));

const look = (step: number, more: object = {}) => ({
  step,
  from: 'rollout',
  dataset: 'sums',
  prompt: `p${step}`,
  completion: `c${step}`,
  scores: { accuracy: 1, format: 0.5 },
  ...more,
});

function write(name: string, lines: readonly object[], rest = ''): Promise<void> {
  return writeFile(join(stage(), name), lines.map((line) => `${JSON.stringify(line)}\n`).join('') + rest);
}

async function table(): Promise<Record<string, unknown>[]> {
  await writeCompletionsTable(stage(), output());
  return [...readParquet(output(), () => true)].map((row) => JSON.parse(row) as Record<string, unknown>);
}

test('has the columns that TRL logs, and what else is known, in the order of the steps', async () => {
  await write('samples.jsonl', [look(1, { gold: '7' }), look(6, { from: 'evaluation' }), look(11), look(21)]);
  const kept = { row: 'sums/1', reward: 1, advantage: -0.25, verdict: 'correct', tokens: 3, finish: 'stop' };
  await write('rollouts/step-000021.jsonl', [
    look(21, kept),
    look(21, { ...kept, scores: { format: 1 }, reward: undefined }),
  ]);
  const rows = await table();
  const none = { row: null, reward: null, advantage: null, verdict: null, tokens: null, finish: null, gold: null };
  expect(rows).toEqual(
    [
      { ...look(1), ...none, gold: '7' },
      { ...look(11), ...none },
      { ...look(21), ...none, ...kept },
      { ...look(21), ...none, ...kept, reward: null, scores: { accuracy: null, format: 1 } },
    ].map(({ scores, ...rest }) => ({ ...rest, ...scores, from: undefined })),
  );
  expect(Object.keys(rows[0] ?? {})).toEqual(
    'step dataset row prompt completion accuracy format reward advantage verdict tokens finish gold'.split(' '),
  );
});

test('a reward with the name of a column gets one of its own', async () => {
  await write('samples.jsonl', [look(1, { scores: { prompt: 2 } })]);
  expect(await table()).toEqual([expect.objectContaining({ prompt: 'p1', 'scores.prompt': 2 })]);
});

test('holds many completions of several row groups', async () => {
  await write(
    'samples.jsonl',
    Array.from({ length: 2500 }, (_, step) => look(step, { completion: 'ä\n'.repeat(step % 40) })),
  );
  const rows = await table();
  expect(rows).toHaveLength(2500);
  expect(rows[2499]).toMatchObject({ step: 2499, completion: 'ä\n'.repeat(2499 % 40) });
});

test('the last line of a stage that runs may be cut off', async () => {
  await write('samples.jsonl', [look(1)], '{"step": 2, "prompt"');
  expect(await table()).toHaveLength(1);
});

test('says how many completions there are, of which steps, and leaves nothing beside the file', async () => {
  await write('samples.jsonl', [look(1), look(3)]);
  expect(await writeCompletionsTable(stage(), output())).toEqual({ completions: 2, firstStep: 1, lastStep: 3 });
  expect(await readdir(directory())).toEqual(['stage', 'table.parquet']);
});

test.each([
  { name: 'a stage without completions', lines: [], into: '', says: 'found no completions of rollouts' },
  { name: 'a directory that is not there', lines: [look(1)], into: 'none', says: 'found no directory' },
])('$name is refused, and nothing is written', async ({ lines, into, says }) => {
  await write('samples.jsonl', lines);
  const path = join(directory(), into, 'table.parquet');
  await expect(writeCompletionsTable(stage(), path)).rejects.toThrow(says);
  expect(await readdir(directory())).toEqual(['stage']);
});
