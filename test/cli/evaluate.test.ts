import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { r1 } from '../support/cli.ts';
import { useSharedDirectory } from '../support/shared-directory.ts';

const evaluation =
  '{data: [asked, sums], limit: 3, samples: 2, sampling: {maxNewTokens: 6}, answers: [{dataset: sums, in: completion}]}';

/** With all that decides how a model is measured: system message, chat settings, random rows, an own verifier. */
const manifest = `apiVersion: r1.dev/v1alpha1
kind: R1Pipeline
metadata: {name: tiny}
spec:
  seed: 5
  base: {init: {hiddenSize: 16, layers: 1, heads: 2, kvHeads: 1, maxLength: 128}}
  datasets:
    - {name: sums, generator: {task: addition, digits: 2, rows: 16, heldOut: 8, languages: [en]}}
    - {name: mixture, generator: {task: mixture, rows: 64}}
    - {name: asked, file: asked.jsonl, system: Be brief., answer: {kind: exact, in: completion}}
  stages:
    - name: unmeasured
      chat: {prefill: "<think>", stop: ["e"]}
      pretrain: {data: [mixture], steps: 1, batch: 2}
    - name: trained
      chat: {prefill: "<think>", stop: ["e"]}
      model: {from: unmeasured}
      sft: {data: [mixture], epochs: 1, batch: 64}
      evaluation: ${evaluation}
    - name: measured
      chat: {prefill: "<think>", stop: ["e"]}
      model: {from: trained}
      evaluate: ${evaluation}
`;

const directory = useSharedDirectory();
const evaluate = (...args: string[]) => r1(['evaluate', ...args], { cwd: directory() });

beforeAll(async () => {
  const rows = Array.from({ length: 9 }, (_, at) => ({ prompt: `Name number ${at}.`, answer: `${at}` }));
  await writeFile(join(directory(), 'asked.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  await writeFile(join(directory(), 'tiny.yaml'), manifest);
  const { code, stderr } = await r1(['run', 'tiny.yaml', '--workers', '1'], { cwd: directory() });
  expect([code, stderr]).toEqual([0, '']);
});

async function completionsOf(...flags: string[]): Promise<string> {
  const more = ['--data=asked.jsonl', '--samples=2', '--limit=3', '--max-new-tokens=6', '--show=6', ...flags];
  return (await evaluate('tiny/trained', ...more)).stdout;
}

async function resultOf(stage: string): Promise<Record<string, number>> {
  const text = await readFile(join(directory(), '.r1/tiny/volume', stage, 'result.json'), 'utf8');
  return (JSON.parse(text) as { metrics: Record<string, number> }).metrics;
}

test.each(['trained', 'measured'])('repeats the figures of stage %s to the last digit', async (stage) => {
  const volume = join(directory(), '.r1/tiny/volume', stage);
  const before = await readdir(volume);
  const { code, stdout, stderr } = await evaluate(`tiny/${stage}`);
  expect([code, stderr]).toEqual([0, '']);
  const figures = JSON.parse(stdout) as Record<string, number>;
  const result = await resultOf(stage);
  const measured = Object.entries(result).filter(([name]) => /^(eval|data\/evaluation)\//.test(name));
  expect(figures).toEqual(Object.fromEntries(measured));
  expect(figures).toMatchObject({ 'eval/asked/pass@1': expect.any(Number), 'eval/pass@2': expect.any(Number) });
  expect(await readdir(volume)).toEqual(before);
});

test('shows completions of each dataset with what was read and the gold answer', async () => {
  const { stdout } = await evaluate('tiny/trained', '--show', '2');
  const shown = stdout.split('\n').filter((line) => line.startsWith('--- '));
  expect(shown).toEqual([
    expect.stringMatching(/^--- asked, row .*: (wrong|correct) ---$/),
    expect.stringMatching(/^--- asked, row .*: (wrong|correct) ---$/),
    expect.stringMatching(/^--- sums, row .*: (wrong|correct) ---$/),
    expect.stringMatching(/^--- sums, row .*: (wrong|correct) ---$/),
  ]);
  expect(stdout).toMatch(/^system: Be brief\.\nuser: Name number \d\.\ncompletion: <think>[^]*?\nread: .*\ngold: \d$/m);
  expect(stdout).toMatch(/^\{\n {2}"eval\/[^]*\}\n$/m);
});

test('measures on a file with a system message and chat settings of its own', async () => {
  const flags = ['--limit=1', '--max-new-tokens=2', '--show=1', '--system=Hurry.', '--prefill=So'];
  const { code, stdout } = await evaluate('tiny/unmeasured', '--data=asked.jsonl', ...flags);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^system: Hurry\.\nuser: Name number \d\.\ncompletion: So/m);
});

test('samples from as few tokens as it is told: from one, all completions are the greedy one', async () => {
  const greedy = await completionsOf('--temperature=0');
  expect(greedy).toContain('completion: ');
  expect(await completionsOf('--top-k=1')).toEqual(greedy);
  expect(await completionsOf('--top-p=0')).toEqual(greedy);
  expect(await completionsOf()).not.toEqual(greedy);
});

test('leaves longer prompts out and counts them, or refuses them', async () => {
  const long = { prompt: `Name number ${'1'.repeat(40)}.`, answer: '1' };
  const rows = [long, { prompt: 'Name number 2.', answer: '2' }];
  await writeFile(join(directory(), 'long.jsonl'), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const flags = ['--data=long.jsonl', '--max-new-tokens=2', '--show=2', '--max-prompt-tokens=40'];
  const { code, stdout, stderr } = await evaluate('tiny/trained', ...flags);
  expect([code, stderr.replaceAll(`${directory()}/`, '')]).toEqual([
    0,
    expect.stringMatching(
      /^long.jsonl: 1 of 2 rows are used; dropped: 1 overlong \(first: row .*: its prompt has \d+ tokens; maxPromptTokens is 40\)\n$/,
    ),
  ]);
  expect(stdout.match(/^--- data, row/gm)).toHaveLength(1);
  expect(await evaluate('tiny/trained', ...flags, '--overlong=refuse')).toMatchObject({
    code: 64,
    stdout: '',
    stderr: expect.stringMatching(/^r1: row .*: its prompt has \d+ tokens; maxPromptTokens is 40/),
  });
});

test.each([
  { flag: '--top-p=1.5', says: 'expected a number from 0 to 1.' },
  { flag: '--top-k=-1', says: 'expected a whole number from 0 to 1000000000.' },
  { flag: '--top-k=1e10', says: 'expected a whole number from 0 to 1000000000.' },
  { flag: '--samples=0', says: 'expected a whole number from 1 to 1000000000.' },
  { flag: '--limit=', says: 'expected a whole number from 1 to 1000000000.' },
  { flag: '--max-prompt-tokens=0', says: 'expected a whole number from 1 to 1000000000.' },
  { flag: '--overlong=cut', says: 'Allowed choices are drop, refuse.' },
  { flag: '--seed=2147483648', says: 'expected a whole number from 0 to 2147483647.' },
  { flag: '--temperature=11', says: 'expected a number from 0 to 10.' },
])('refuses $flag as a manifest would', async ({ flag, says }) => {
  const result = await evaluate('tiny/trained', '--data=asked.jsonl', flag);
  expect(result).toMatchObject({ code: 64, stdout: '', stderr: expect.stringContaining(says) });
});

test('says how a file with other columns is rewritten, as it names none', async () => {
  await writeFile(join(directory(), 'maths.jsonl'), '{"problem": "1 + 1?", "solution": "2"}\n');
  const { code, stdout, stderr } = await evaluate('tiny/unmeasured', '--data=maths.jsonl');
  expect([code, stdout, stderr.replaceAll(`${directory()}/`, '')]).toEqual([
    64,
    '',
    'r1: maths.jsonl:1: found fields problem, solution; expected prompt or messages. ' +
      "jq -c '. + {prompt: .problem, answer: .solution}' FILE names them so\n",
  ]);
});

test.each([
  { args: ['tiny/unmeasured'], says: 'stage unmeasured has no evaluation; expected one in its manifest, or --data' },
  { args: ['tiny/nothing'], says: 'has no stage "nothing"; known: unmeasured, trained, measured' },
  { args: ['.r1'], says: '.r1: expected PIPELINE/STAGE, whose own evaluation is repeated, or --data FILE' },
  { args: ['tiny/trained', '--samples=4', '--prefill=So'], says: 'found --samples, --prefill without --data FILE' },
])('refuses $args in words', async ({ args, says }) => {
  expect(await evaluate(...args)).toMatchObject({ code: 64, stdout: '', stderr: expect.stringContaining(says) });
});
