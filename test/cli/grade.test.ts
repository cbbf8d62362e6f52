import { expect, test } from '@jest/globals';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { verify } from '../../trainer/rewards/verify.ts';
import { answerFiles, answerRows, judgedRow } from '../support/answer-rows.ts';
import { r1 } from '../support/cli.ts';
import { useSharedDirectory } from '../support/shared-directory.ts';

const directory = useSharedDirectory();

async function graded(rows: readonly object[], ...flags: string[]) {
  const file = join(directory(), 'rows.jsonl');
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return r1(['grade', file, ...flags]);
}

test.each(answerFiles)('gives the verdicts of the reward on %s', async (file) => {
  const rows = answerRows(file);
  const { code, stdout, stderr } = await r1(['grade', file, '-o', 'jsonl']);
  expect(stderr).toMatch(new RegExp(`^${rows.length} rows: \\d+ correct`));
  expect(code).toBe(0);
  const grades = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { outcome: string; score: number });
  expect(grades.map(({ outcome, score }) => ({ outcome, score }))).toEqual(
    rows.map(({ completion, expect: _expect, ...row }) => verify(judgedRow(row), completion)),
  );
});

test('says what was found, what it was read as, and what gold is', async () => {
  const { code, stdout } = await graded(
    [
      { completion: 'So it is 17.', answer: 18, expect: 'wrong' },
      { completion: 'So it is **$18.00**.', answer: '#### 18', expect: 'correct' },
      { completion: 'no idea', answer: 18 },
      { completion: '2x', answer: 2 },
      { completion: 'red, green', answer: 'red, blue', kind: 'list' },
      { completion: '<answer>18</answer>', answer: 'many', in: 'answerTag' },
      { completion: '18', answer: 18, in: 'answerTag' },
    ],
    '--in=completion',
  );
  expect(stdout.split('\n').map((line) => line.trimEnd())).toEqual([
    '   1  wrong    found "17" in "So it is 17."; gold 18',
    '   2  correct  found "18.00" (18) in "So it is **$18.00**."; gold 18',
    '   3  wrong    found nothing, expected a number in "no idea"; gold 18',
    '   4  wrong    found "2x", which is no number; gold 2',
    '   5  wrong    found "red, green" (red; not of the list: green); gold red, blue',
    expect.stringMatching(/^ {3}6 {2}abstain {2}answer "many" cannot be parsed; expected one number such as 42/),
    '   7  wrong    found nothing, expected one <answer> block behind the thought in "18"; gold 18',
    '7 rows: 1 correct, 5 wrong, 1 abstain',
    '',
  ]);
  expect(code).toBe(0);
});

test('exits with 1 and counts the rows that are not as expected', async () => {
  const rows = [
    { completion: '<answer>3,5</answer>', answer: 3.5, expect: 'correct' },
    { completion: '<answer>3,5</answer>', answer: 3.5, language: 'en', expect: 'correct' },
  ];
  const { code, stdout } = await graded(rows, '--language=de');
  expect(stdout).toMatch(/^ {3}2 {2}wrong .*; expected correct\n2 rows: 1 correct, 1 wrong; 1 not as expected\n$/m);
  expect(code).toBe(1);
});

test('reads stdin', async () => {
  const { stdout, code } = await r1(['grade', '-', '--kind=exact', '--in=completion'], {
    stdin: '{"completion": "(B)", "answer": "B"}\n\n{"completion": "C", "answer": "B"}\n',
  });
  expect(stdout).toBe(
    '   1  correct  found "(B)" (B); gold B\n   3  wrong    found "C"; gold B\n2 rows: 1 correct, 1 wrong\n',
  );
  expect(code).toBe(0);
});

test('refuses a bad row in one line', async () => {
  const stdin = '{"completion": "1", "answer": "1"}\n{"completion": "1"}\n';
  expect(await r1(['grade', '-', '--in=completion'], { stdin })).toEqual({
    code: 64,
    stdout: '   1  correct  found "1"; gold 1\n',
    stderr: 'r1: -:2: answer: found nothing, expected text, a number or an object\n',
  });
});

test.each(['', '\n\n'])('refuses %j, which has no rows', async (stdin) => {
  expect(await r1(['grade', '-'], { stdin })).toEqual({
    code: 64,
    stdout: '',
    stderr: 'r1: -: found no rows, expected some with completion and answer\n',
  });
});

test('refuses a file that is not there, and a kind that nobody knows', async () => {
  expect(await r1(['grade', 'no-such.jsonl'])).toMatchObject({
    code: 64,
    stderr: 'r1: no-such.jsonl: found no such file, expected a JSONL or Parquet file\n',
  });
  expect(await r1(['grade', '-', '--kind=sum'])).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('Allowed choices'),
  });
});

const root = join(import.meta.dirname, '../..');
const nearSum = join(root, 'examples/rewards/near-sum.ts');

test('a reward of one’s own scores rows, as docs/cli.md shows it', async () => {
  const { code, stdout } = await r1(['grade', join(root, 'examples/data/graded-sums.jsonl'), '--module', nearSum]);
  const page = await readFile(join(root, 'docs/cli.md'), 'utf8');
  expect(page).toContain(`--module examples/rewards/near-sum.ts\n${stdout}\`\`\``);
  expect(code).toBe(0);
});

test('a score that is not the one expected, and what has none, are told and counted', async () => {
  const rows = [
    { completion: '<answer>5</answer>', answer: 5, expect: 0 },
    { completion: 'none', expect: 0 },
    { completion: 'none', expect: null, answer: null },
  ];
  const { code, stdout } = await graded(rows, '--module', nearSum);
  expect(stdout).toBe(
    [
      '   1  1        "<answer>5</answer>"; expected 0',
      '   2  abstain  it gave null: "none"; expected 0',
      '   3  abstain  it gave null: "none"',
      '3 rows: 1 scored (mean 1.00), 2 abstain; 2 not as expected\n',
    ].join('\n'),
  );
  expect(code).toBe(1);
  const machine = await graded(rows.slice(0, 2), '--module', nearSum, '-o', 'jsonl');
  expect(machine.stdout.split('\n').map((line) => line && (JSON.parse(line) as object))).toEqual([
    { line: 1, completion: '<answer>5</answer>', score: 1, expect: 0 },
    { line: 2, completion: 'none', score: null, because: 'abstain', message: 'it gave null', expect: 0 },
    '',
  ]);
});

test('a reward that fails on a row is no success, whatever the row expects', async () => {
  const file = join(directory(), 'throws.ts');
  await writeFile(file, "export function grade() { throw new Error('boom') }");
  const { code, stdout } = await graded([{ completion: '1' }, { completion: '2', expect: null }], '--module', file);
  expect(stdout).toContain('2 rows: 0 scored, 2 error\n');
  expect(code).toBe(1);
});

test.each([
  { given: [], says: '1 row: 1 scored (mean 1.00)' },
  { given: ['--format=standard', '--function=plain'], says: '1 row: 1 scored (mean 11.0)' },
  { given: ['--function=none'], says: 'it has no none: it defines ' },
  { given: ['--function=a b'], says: 'function: found "a b": ' },
  { given: ['--interpreter=no-python'], says: 'found no no-python on this machine' },
  { given: ['--module', nearSum], says: "option '--python <file>' cannot be used with option '--module <file>'" },
])('a reward in Python scores rows, too: $given', async ({ given, says }) => {
  const file = join(directory(), 'reward.py');
  const second = 'def plain(completions, **columns): return map(len, completions)';
  await writeFile(
    file,
    `def chat(completions, **columns): return map(len, completions)\n${given.includes('--function=plain') ? second : ''}`,
  );
  const { stdout, stderr } = await graded([{ completion: 'eleven here' }], '--python', file, ...given);
  expect(stdout + stderr).toContain(says);
});

test('further columns of the rows reach a reward in Python, and one that no row has is told', async () => {
  const file = join(directory(), 'reward.py');
  await writeFile(file, 'def grade(completions, level, **columns): return level');
  const rows = [{ completion: '1', level: 3 }, { completion: '2' }];
  const { stdout } = await graded(rows, '--python', file);
  expect(stdout).toContain('2 rows: 1 scored (mean 3.00), 1 abstain');
  expect(await graded([{ completion: '1', topic: 'sums' }], '--python', file)).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('reward.py: its function needs the column level; found topic in the rows'),
  });
});

test('a service scores rows, too, with the token of a variable', async () => {
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      const { samples } = body as { samples: { completion: string; row: { columns: { level: number } } }[] };
      const scores = samples.map(({ row }) => row.columns.level);
      response.end(JSON.stringify({ scores: request.headers.authorization === 'Bearer abc' ? scores : [] }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  process.env['R1_GRADER_TOKEN'] = 'abc';
  try {
    const rows = [{ completion: 'a', level: 3, expect: 3 }];
    const { code, stdout } = await graded(rows, '--http', url, '--token-variable', 'R1_GRADER_TOKEN');
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('1 row: 1 scored (mean 3.00)') });
    expect((await graded(rows, '--http', 'grader')).stderr).toContain(
      'url: found "grader": expected http:// or https://, a host and a path',
    );
    expect((await graded(rows, '--token-variable', 'R1_A_KEY')).stderr).toContain(
      'found no --http that it could belong to',
    );
  } finally {
    delete process.env['R1_GRADER_TOKEN'];
    server.close();
  }
});

test('options of a reward in Python belong to one', async () => {
  const { code, stderr } = await graded([{ completion: '1' }], '--function=a');
  expect(stderr).toContain('--function: found no --python that it could belong to');
  expect(code).toBe(64);
});

test.each([
  { rows: [{ answer: 1 }], module: nearSum, says: 'rows.jsonl:1: completion: found nothing, expected text' },
  { rows: [{ completion: '1', answer: 1e300 }], module: nearSum, says: 'which a double cannot hold exactly' },
  { rows: [], module: nearSum, says: 'found no rows, expected some with completion' },
  { rows: [{ completion: '1' }], module: join(root, 'package.json'), says: 'is no TypeScript or JavaScript file' },
])('says with a module $says', async ({ rows, module, says }) => {
  const { code, stderr } = await graded(rows, '--module', module);
  expect(stderr).toContain(says);
  expect(code).toBe(64);
});
