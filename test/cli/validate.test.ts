import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { r1 } from '../support/cli.ts';
import { useSharedDirectory } from '../support/shared-directory.ts';

const good = `apiVersion: r1.dev/v1alpha1
kind: R1Pipeline
metadata: {name: good}
spec:
  base: {init: {hiddenSize: 32, maxLength: 1024}}
  datasets: [{name: sums, generator: {task: addition}}]
  stages:
    - {name: zero, grpo: {prompts: [sums], steps: 2, rewards: [{accuracy: {}}]}}
`;
const bad = good.replace('steps: 2', 'steps: two').replace('prompts: [sums]', 'prompts: [sum]');

const directory = useSharedDirectory();
beforeAll(async () => {
  await writeFile(join(directory(), 'good.yaml'), good);
  await writeFile(join(directory(), 'bad.yaml'), bad);
});

test('says what is valid', async () => {
  const { code, stdout, stderr } = await r1(['validate', 'good.yaml'], { cwd: directory() });
  expect([code, stdout, stderr]).toEqual([0, 'good.yaml: R1Pipeline good is valid\n', '']);
});

test('reports every problem of every file with its place', async () => {
  const { code, stdout, stderr } = await r1(['validate', 'bad.yaml', 'missing.yaml', 'good.yaml'], {
    cwd: directory(),
  });
  expect(code).toBe(64);
  expect(stdout).toContain('good.yaml: R1Pipeline good is valid');
  expect(stderr).toMatch(/^bad\.yaml:8:\d+: spec\.stages\[0\]\.grpo\.prompts\[0\]: found "sum", expected a dataset/m);
  expect(stderr).toMatch(/^bad\.yaml:8:\d+: spec\.stages\[0\]\.grpo\.steps: found "two", expected an integer/m);
  expect(stderr).toMatch(/^missing\.yaml: found no such file, expected a manifest$/m);
});

test('says what is wrong with the syntax, and shows what a terminal would obey', async () => {
  const { code, stderr } = await r1(['validate', '-'], { stdin: good.replace('  stages:', '  a\u001b[2J\n  stages:') });
  expect([code, stderr]).toEqual([
    64,
    expect.stringMatching(/^-:7:3: found a\\u001b\[2J without a colon, expected a field: .* \(Implicit keys .*\)\n$/),
  ]);
});

test('refuses a gate on a metric that no result of its stage has', async () => {
  const gated = good.replace('[{accuracy: {}}]}', '[{accuracy: {}}]}, gate: {metric: rewrd, atLeast: 1}');
  const { code, stderr } = await r1(['validate', '-'], { stdin: gated });
  expect(code).toBe(64);
  expect(stderr).toMatch(
    /^-:8:\d+: spec\.stages\[0\]\.gate\.metric: found "rewrd", expected a metric of .*; did you mean "reward"\?$/m,
  );
});

test('refuses stages whose model cannot fit into the memory of the machine', async () => {
  const large = good
    .replace('{hiddenSize: 32, maxLength: 1024}', '{hiddenSize: 65536, layers: 200}')
    .replace('stages:', 'defaults: {workers: 1}\n  stages:\n    - {name: base, pretrain: {data: [sums], steps: 1}}')
    .replace('name: zero,', 'name: zero, model: {from: base},');
  const { code, stderr } = await r1(['validate', '-'], { stdin: large });
  expect(code).toBe(64);
  for (const [index, bytes] of [
    [0, 'GB their gradient'],
    [1, 'GB the reference'],
  ] as const) {
    expect(stderr).toMatch(
      new RegExp(`spec\\.stages\\[${index}\\]: found a model that needs \\d+ GB or more \\(.*${bytes}`),
    );
  }
});

test('warns of training rows that are evaluated', async () => {
  const evaluated = good.replace('  stages:', '  defaults: {evaluation: {data: [sums]}}\n  stages:');
  const { code, stderr } = await r1(['validate', '-'], { stdin: evaluated });
  expect(code).toBe(0);
  expect(stderr).toMatch(/^-: warning: spec\.stages\[0\]: the evaluated dataset sums has no held-out rows/);
});

test('warns of completions that are longer than the context of a fresh model', async () => {
  const long = good
    .replace('{hiddenSize: 32, maxLength: 1024}', '{hiddenSize: 32, maxLength: 64}')
    .replace('stages:', 'stages:\n    - {name: first, pretrain: {data: [sums], steps: 1}}')
    .replace('name: zero, grpo: {', 'name: zero, model: {from: first}, grpo: {sampling: {maxNewTokens: 64}, ');
  const { code, stderr } = await r1(['validate', '-'], { stdin: long });
  expect([code, stderr]).toEqual([
    0,
    '-: warning: spec.stages[1].grpo.sampling.maxNewTokens: sampling.maxNewTokens is 64; the context of the model holds 64 tokens, prompt included, and completions end there\n',
  ]);
});

test('reads stdin', async () => {
  const { code, stdout } = await r1(['validate', '-'], { stdin: good });
  expect([code, stdout]).toEqual([0, '-: R1Pipeline good is valid\n']);
});

test('run refuses a bad manifest before it writes anything', async () => {
  const { code, stderr } = await r1(['run', 'bad.yaml', '--state', 'state'], { cwd: directory() });
  expect(code).toBe(64);
  expect(stderr).toMatch(/^r1: bad\.yaml has 2 problems:\nbad\.yaml:8:/);
  expect((await r1(['get', '--state', 'state'], { cwd: directory() })).stdout).toBe('');
});

test('files that a manifest names must be there', async () => {
  const text = good
    .replace('init: {hiddenSize: 32, maxLength: 1024}', 'path: no-model')
    .replace('{name: sums, generator: {task: addition}}', '{name: sums, file: rows.jsonl}');
  await writeFile(join(directory(), 'files.yaml'), text);
  const { code, stderr } = await r1(['validate', 'files.yaml'], { cwd: directory() });
  expect([code, stderr.replaceAll(directory(), '.')]).toEqual([
    64,
    'files.yaml:5:16: spec.base.path: found nothing at ./no-model, expected a Hugging Face directory\n' +
      'files.yaml:6:33: spec.datasets[0].file: found nothing at ./rows.jsonl, expected a JSONL or Parquet file\n',
  ]);
});

test('what is wrong with the manifest and what is wrong with its files come together, in their order', async () => {
  const text = bad
    .replace('init: {hiddenSize: 32, maxLength: 1024}', 'path: no-model')
    .replace('{name: sums, generator: {task: addition}}', '{name: sum, file: gsm.jsonl}');
  await writeFile(join(directory(), 'gsm.jsonl'), '{"question": "2+3?", "answer": "#### 5"}\n');
  await writeFile(join(directory(), 'both.yaml'), text);
  const { code, stderr } = await r1(['validate', 'both.yaml'], { cwd: directory() });
  expect([code, stderr.replaceAll(directory(), '.').split('\n')]).toEqual([
    64,
    [
      'both.yaml:5:16: spec.base.path: found nothing at ./no-model, expected a Hugging Face directory',
      'both.yaml:6:32: spec.datasets[0].file: ./gsm.jsonl:1: found fields question, answer; expected prompt or messages. columns: {prompt: question} reads question as prompt',
      'both.yaml:8:50: spec.stages[0].grpo.steps: found "two", expected an integer from 1 to 1000000000',
      '',
    ],
  ]);
});

test.each([
  { name: 'a directory', content: undefined, says: /^bad: found a directory, expected a manifest\n$/ },
  { name: 'no text', content: Uint8Array.of(0xff, 0xfe, 0), says: /^bad: found bytes that are no UTF-8 text, .*\n$/ },
  { name: 'too large', content: '# '.repeat(2 << 20), says: /^bad: found more than 3145728 bytes, .*\n$/ },
])('a file that is $name is said in one line', async ({ content, says }) => {
  const path = join(directory(), 'bad');
  await rm(path, { force: true, recursive: true });
  await (content === undefined ? mkdir(path) : writeFile(path, content));
  const validated = await r1(['validate', 'bad'], { cwd: directory() });
  expect([validated.code, validated.stderr]).toEqual([64, expect.stringMatching(says)]);
  const ran = await r1(['run', 'bad'], { cwd: directory() });
  expect([ran.code, ran.stderr]).toEqual([64, `r1: ${validated.stderr}`]);
});
