import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { r1 } from '../support/cli.ts';
import { useSharedDirectory } from '../support/shared-directory.ts';
import { testWithPython } from '../support/with-python.ts';

const directory = useSharedDirectory();
const root = join(import.meta.dirname, '../..');
const sums = join(root, 'examples/data/labelled-sums.jsonl');
const file = (name: string) => join(directory(), name);

const rows = [
  { completion: '<answer>85</answer>', gold: 85, label: 'correct', level: 1 },
  { completion: '<answer>21</answer>', gold: '21', label: 'correct', level: 2 },
  { completion: '<answer>22</answer>', gold: '21', label: 'partial', level: 3 },
  { completion: '85', gold: '85', label: 'wrong', level: 4 },
];

async function certified(of: readonly object[], ...flags: string[]) {
  const path = file('labelled.jsonl');
  await writeFile(path, of.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return r1(['certify', path, ...flags]);
}

async function withModule(source: string, ...flags: string[]) {
  await writeFile(file('verifier.js'), source);
  return certified(rows, '--module', file('verifier.js'), ...flags);
}

test('the verifier of numbers is certified, and a lenient reward refused, as docs/cli.md shows it', async () => {
  const page = await readFile(join(root, 'docs/cli.md'), 'utf8');
  const [ours, near] = [
    await r1(['certify', sums]),
    await r1(['certify', sums, '--module', 'examples/rewards/near-sum.ts'], { cwd: root }),
  ];
  expect(ours).toMatchObject({ code: 0, stdout: expect.stringContaining('certified: 11 checks') });
  expect(near.code).toBe(3);
  expect(page).toContain(`--module examples/rewards/near-sum.ts\n${near.stdout}\`\`\``);
});

const strict = `const found = ({ completion }) => /^<answer>(.*)<\\/answer>\\s*$/.exec(completion)?.[1];
const near = (sample) => (found(sample) === sample.answer ? 1 : found(sample)?.[0] === sample.answer?.[0] ? 0.5 : 0);`;

test.each([
  { name: 'one that is right', source: `${strict} export const grade = near;`, fails: [] },
  {
    name: 'one that sees the answer anywhere',
    source: 'export const grade = ({ completion, answer = "" }) => Number(completion.includes(answer));',
    fails: ['false positives', 'false negatives', 'changed answers', 'missing gold answers'],
  },
  {
    name: 'one that is always content',
    source: 'export const grade = () => 1;',
    fails: [
      'false positives',
      'changed answers',
      "other rows' answers",
      'empty completions',
      'missing gold answers',
      'hostile completions',
    ],
  },
  { name: 'one that is never content', source: 'export const grade = () => 0;', fails: ['false negatives'] },
  {
    name: 'one that remembers',
    source: `${strict} let calls = 0; export const grade = (sample) => (++calls > 4 && calls < 9 ? 0 : near(sample));`,
    fails: ['another order'],
  },
  {
    name: 'one that breaks',
    source: `${strict} export const grade = (sample) => { if (sample.completion.length > 9999) throw new Error('long'); return near(sample); };`,
    fails: ['hostile completions'],
  },
  {
    name: 'one that has greater scores than 1',
    source: `${strict} export const grade = (sample) => 2 * near(sample);`,
    fails: ['false positives', 'no verdict'],
  },
])('$name fails $fails', async ({ source, fails }) => {
  const { code, stdout } = await withModule(source);
  const [last = ''] = stdout.trim().split('\n').slice(-1);
  expect(last).toBe(fails.length === 0 ? 'certified: 11 checks' : `refused: ${fails.join(', ')}`);
  expect(code).toBe(fails.length === 0 ? 0 : 3);
});

test('a share of false negatives may be tolerated', async () => {
  const { code } = await withModule(
    `${strict} export const grade = (s) => (s.answer === '21' ? 0 : near(s));`,
    '--false-negatives',
    '0.7',
  );
  expect(code).toBe(0);
});

test('for machines a check is an object', async () => {
  const { stdout, stderr, code } = await withModule('export const grade = () => 0;', '-o', 'jsonl');
  const checks = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(checks).toHaveLength(11);
  expect(checks[1]).toEqual({
    name: 'false negatives',
    expects: 'no worse than its label',
    asked: 3,
    failed: 3,
    failures: [1, 2, 3].map((line) => expect.objectContaining({ line, outcome: 'wrong' })),
    passed: false,
  });
  expect(stderr).toContain('refused: false negatives');
  expect(code).toBe(3);
});

testWithPython('a reward of TRL is certified with its columns', async () => {
  await writeFile(
    file('verifier.py'),
    `def grade(completions, answer, level, **columns):
    found = [c[0]["content"].strip().removeprefix("<answer>").removesuffix("</answer>") if "<answer>" in c[0]["content"] else None for c in completions]
    return [float(f is not None and f == a) or 0.5 * (l == 3) for f, a, l in zip(found, answer, level)]
`,
  );
  const { stdout, code } = await certified(rows, '--python', file('verifier.py'), '--interpreter', 'python3');
  expect({ stdout, code }).toMatchObject({ code: 0 });
});

test.each([
  {
    of: [{ completion: '1', gold: '1' }],
    says: 'labelled.jsonl:1: label: found nothing, expected correct, partial or wrong',
  },
  {
    of: [{ completion: '1', answer: '1', label: 'correct' }],
    says: 'labelled.jsonl:1: found answer and no gold; expected the right answer as gold, and a label',
  },
  { of: rows.slice(0, 2), says: 'found 2 rows, none of them labelled wrong; expected some of both' },
  { of: [], says: 'found 0 rows, none of them labelled correct' },
  { of: rows, flags: ['--false-positives', '2'], says: 'found "2", expected a share between 0 and 1' },
  { of: rows, flags: ['--kind', 'number', '--module', 'a.ts'], says: "cannot be used with option '--kind <kind>'" },
])('says $says', async ({ of, flags = [], says }) => {
  const { code, stderr } = await certified(of, ...flags);
  expect(stderr).toContain(says);
  expect(code).toBe(64);
});
