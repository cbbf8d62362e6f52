import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import type { Sample } from '../../../../trainer/rewards/modules/protocol.ts';
import { type ModuleFile, RewardModule } from '../../../../trainer/rewards/modules/reward-module.ts';
import { useTemporaryDirectory } from '../../../support/temporary-directory.ts';

const directory = useTemporaryDirectory();
const opened: RewardModule[] = [];
afterEach(() => opened.splice(0).forEach((module) => module.close()));

async function open(source: string, more: Partial<ModuleFile> & { name?: string } = {}): Promise<RewardModule> {
  const { name = 'units.ts', ...settings } = more;
  const file = join(directory(), name);
  await writeFile(file, source);
  const module = await RewardModule.open({ file, timeoutSeconds: 60, memoryMiB: 64, ...settings });
  opened.push(module);
  return module;
}

const sample = (completion: string): Sample => ({
  completion,
  answer: '12 km',
  prompt: 'How far?',
  row: { id: 'ways/1', dataset: 'ways', domain: 'reasoning', messages: [{ role: 'user', content: 'How far?' }] },
});
const samples = (...completions: string[]) => completions.map(sample);

test('grade scores one completion at a time, and null abstains', async () => {
  const module = await open(`
    type Given = { completion: string; answer?: string; prompt: string; row: { dataset: string } };
    export async function grade({ completion, answer, prompt, row }: Given): Promise<number | null> {
      if (completion === '') return null;
      return [completion === answer, prompt === 'How far?', row.dataset === 'ways'].filter(Boolean).length;
    }`);
  expect(await module.score(samples('12 km', '', '13 km'))).toEqual([
    3,
    { because: 'abstain', message: 'it gave null' },
    2,
  ]);
  expect(await module.score([])).toEqual([]);
});

test('gradeBatch scores a whole rollout', async () => {
  const module = await open(
    `export const gradeBatch = (samples) => samples.map(({ completion }, at) => (completion ? at : null));`,
    { name: 'units.js' },
  );
  expect(await module.score(samples('a', '', 'c'))).toEqual([0, { because: 'abstain', message: 'it gave null' }, 2]);
});

test('scores of a batch may be promises, each with a fault of its own', async () => {
  const module = await open(`
    export function gradeBatch(samples: { completion: string }[]) {
      return samples.map(async ({ completion }) => {
        if (completion === '') throw new Error('empty');
        return 1;
      });
    }`);
  const failed = { because: 'error', message: 'line 4: Error: empty' };
  expect(await module.score(samples('a', '', 'c'))).toEqual([1, failed, 1]);
});

test('what a list has not is no number', async () => {
  const module = await open('export const gradeBatch = (samples: unknown[]) => new Array(samples.length);');
  const missing = { because: 'error', message: 'it gave undefined; expected a finite number or null' };
  expect(await module.score(samples('a', 'b'))).toEqual([missing, missing]);
});

const byCompletion = (act: string) => `export function grade({ completion }: { completion: string }) {
  if (completion === 'bad') {
    ${act}
  }
  return 1;
}`;

test.each([
  { name: 'throws', act: 'throw new Error("no unit");', because: 'error', message: 'line 3: Error: no unit' },
  { name: 'throws a text', act: 'throw "no unit";', because: 'error', message: 'it threw "no unit"' },
  {
    name: 'throws what a terminal would obey',
    act: 'throw new Error("no\\n unit\\u001b[31m");',
    because: 'error',
    message: 'line 3: Error: no unit\\u001b[31m',
  },
  { name: 'gives no number', act: 'return "1";', because: 'error', message: 'it gave a value of the type string; exp' },
  { name: 'gives NaN', act: 'return NaN;', because: 'error', message: 'it gave NaN; expected a finite number or null' },
  { name: 'never ends', act: 'for (;;);', because: 'timeout', message: 'it took more than 2 s', timeoutSeconds: 2 },
  {
    name: 'never answers',
    act: 'return new Promise(() => {});',
    because: 'timeout',
    message: 'it took more than 2 s',
    timeoutSeconds: 2,
  },
  { name: 'ends its process', act: 'process.exit(3);', because: 'error', message: 'its process ended with code 3' },
  {
    name: 'reads a file',
    act: 'return process.getBuiltinModule("fs").readFileSync("/etc/hostname").length;',
    because: 'error',
    message: 'Access to this API has been restricted; expected a function that computes: it has no files, processes',
  },
  {
    name: 'asks the network',
    act: 'return fetch("http://127.0.0.1:65534/").then(() => 1);',
    because: 'error',
    message: 'TypeError: fetch failed: connect E',
  },
  {
    name: 'starts a process',
    act: 'return process.getBuiltinModule("child_process").execFileSync("true").length;',
    because: 'error',
    message: 'Access to this API has been restricted',
  },
  {
    name: 'starts a thread',
    act: 'return new (process.getBuiltinModule("worker_threads").Worker)("1", { eval: true });',
    because: 'error',
    message: 'Access to this API has been restricted',
  },
])('a completion on which it $name has no score, and the others have theirs', async ({ act, ...more }) => {
  const { because, message, timeoutSeconds = 60 } = more;
  const module = await open(byCompletion(act), { timeoutSeconds });
  const unscored = { because, message: expect.stringContaining(message) };
  expect(await module.score(samples('a', 'bad', 'c', 'bad', 'e'))).toEqual([1, unscored, 1, unscored, 1]);
  expect(await module.score(samples('a'))).toEqual([1]);
});

// What Node then says on stderr is that memory ran out: Jest would take it for its own.
test('a completion on which it takes all memory has no score, and the others have theirs', async () => {
  const file = join(directory(), 'units.ts');
  const act = 'for (const all = []; ; ) all.push(Array.from({ length: 100_000 }, Math.random));';
  await writeFile(file, byCompletion(act));
  const script = 'test/trainer/rewards/modules/score-by-file.ts';
  const args = [script, file, JSON.stringify(samples('a', 'bad', 'c', 'bad', 'e'))];
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, NODE_OPTIONS: '' } });
  const message = 'its process ended with signal SIGABRT: it took more than 64 MiB';
  const unscored = { because: 'error', message: expect.stringContaining(message) };
  expect(JSON.parse(stdout)).toEqual([1, unscored, 1, unscored, 1]);
});

const withBound = spawnSync('prlimit', ['--data=1000000000', 'true']).status === 0 ? test : test.skip;

withBound('a completion on which it takes all memory for bytes has no score, and the others have theirs', async () => {
  const act = 'for (const all = []; all.length < 40;) all.push(new Uint8Array(5e7).fill(1));';
  const module = await open(byCompletion(act));
  const unscored = { because: 'error', message: 'line 3: RangeError: Array buffer allocation failed' };
  expect(await module.score(samples('a', 'bad', 'c'))).toEqual([1, unscored, 1]);
});

test('what hangs again and again is given up for the rest of a rollout', async () => {
  const module = await open(byCompletion('for (;;);'), { timeoutSeconds: 1 });
  const scores = await module.score(samples('a', 'bad', 'bad', 'bad', 'e', 'f'));
  expect(scores.map((score) => (typeof score === 'number' ? score : score.because))).toEqual([
    1,
    ...Array<string>(5).fill('timeout'),
  ]);
});

test('a batch that fails has no scores', async () => {
  const module = await open('export const gradeBatch = () => [1];');
  const message = 'Error: gradeBatch gave 1 scores for 2 samples; expected a list of as many numbers or nulls';
  expect(await module.score(samples('a', 'b'))).toEqual([
    { because: 'error', message },
    { because: 'error', message },
  ]);
});

test('the environment of the trainer stays out of its sight', async () => {
  const module = await open(
    'export const grade = () => Object.keys(process.env).filter((key) => key !== "PWD").length;',
  );
  expect((await module.score(samples('a')))[0]).toBeLessThan(4);
});

const ofItsOwn = spawnSync('unshare', ['--user', '--net', 'true']).status === 0 ? test : test.skip;

ofItsOwn('where the kernel lets a user make a network, it reaches nobody', async () => {
  await using server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const module = await open(`
    import { connect } from 'node:net';
    export function grade() {
      return new Promise((resolve) => connect(${port}, '127.0.0.1', () => resolve(1)).on('error', () => resolve(0)));
    }`);
  expect(await module.score(samples('a'))).toEqual([0]);
});

test('a stop ends a rollout that is being scored', async () => {
  const stop = new AbortController();
  const file = join(directory(), 'slow.ts');
  await writeFile(file, 'export const grade = () => new Promise(() => {});');
  const module = await RewardModule.open({ file, timeoutSeconds: 600, memoryMiB: 64 }, stop.signal);
  const scored = module.score(samples('a'));
  stop.abort();
  await expect(scored).rejects.toThrow('asked to stop while a reward was computed');
});

test.each([
  {
    name: 'a fault of TypeScript',
    source: 'const a: number = 1;\nexport function grade( { return 1 }\n',
    says: 'line 2: ',
  },
  {
    name: 'an enum',
    source: '\nenum A { B }\nexport const grade = () => A.B;',
    says: 'line 2: SyntaxError: TypeScript enum',
  },
  {
    name: 'a fault of JavaScript',
    file: 'units.js',
    source: '\n\nexport function grade( { return 1 }',
    says: 'line 3: ',
  },
  { name: 'an error at the top', source: 'export const grade = () => 1;\nnull.x;', says: 'line 2: TypeError: ' },
  {
    name: 'an error at the top of a file whose name has blanks',
    file: "my 'own' units.ts",
    source: 'export const grade = () => 1;\nnull.x;',
    says: 'line 2: TypeError: ',
  },
  {
    name: 'types in JavaScript',
    file: 'units.js',
    source: 'export const grade = (sample: object) => 1;',
    says: "SyntaxError: Unexpected token ':'; expected a file whose name ends in .ts, as it has types",
  },
  {
    name: 'a module of CommonJS',
    file: 'units.js',
    source: 'exports.grade = () => 1;',
    says: 'line 1: ReferenceError: exports is not defined in ES module scope; expected an ECMAScript module, with export function grade',
  },
  { name: 'a package', source: "import 'zod';", says: 'it imports "zod"; expected one file that imports nothing but' },
  { name: 'another file', source: "import './b.ts';", says: 'it imports "./b.ts"; expected one file that' },
  {
    name: 'no export',
    source: 'function grade() {}',
    says: 'it exports nothing; expected one function that is called',
  },
  { name: 'another export', source: 'export const score = () => 1;', says: 'it exports score; expected one function' },
  {
    name: 'both exports',
    source: 'export const grade = () => 1, gradeBatch = grade;',
    says: 'it exports grade, gradeBatch; expected one function',
  },
  { name: 'no function', source: 'export const grade = 1;', says: 'its grade is 1; expected one function' },
  {
    name: 'the parameters of another framework',
    source: 'export function grade(prompts, completions) { return 1 }',
    says: 'its grade takes 2 parameters; expected one: it is given one object, { completion, answer, prompt, row }',
  },
  {
    name: 'another language',
    file: 'units.py',
    source: '',
    says: 'is no TypeScript or JavaScript file; expected one wh',
  },
])('a file with $name is refused in words', async ({ file = 'units.ts', source, says }) => {
  await expect(open(source, { name: file })).rejects.toThrow(`${join(directory(), file)}: ${says}`);
});
