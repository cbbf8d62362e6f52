import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import type { PythonFile } from '../../../../trainer/rewards/modules/reward-module.ts';
import { sample, samples, usePythonRewards } from '../../../support/python-rewards.ts';
import { testWithPython } from '../../../support/with-python.ts';

const { directory, openFile, open } = usePythonRewards();
const fixtures = join(import.meta.dirname, '../../../fixtures/python-rewards');

interface Golden {
  readonly rows: { prompt: string; answer: string | null; completion: string }[];
  readonly conversational: (number | null)[];
  readonly standard: (number | null)[];
}

async function givesWhatTrlGets(settings: Pick<PythonFile, 'format' | 'function' | 'interpreter'>): Promise<void> {
  const golden = JSON.parse(await readFile(join(fixtures, 'golden.json'), 'utf8')) as Golden;
  const module = await openFile({ file: join(fixtures, 'units.py'), ...settings });
  const scores = await module.score(golden.rows.map((row) => sample(row.completion, row.answer, row.prompt)));
  // TRL keeps them in single precision.
  expect(scores.map((score) => (typeof score === 'number' ? Math.fround(score) : null))).toEqual(
    golden[settings.format],
  );
  expect(scores.filter((score) => typeof score === 'object')).toEqual([
    { because: 'abstain', message: expect.stringMatching(/^it gave (None|NaN)$/) },
  ]);
}

const forms = [
  { format: 'conversational', function: 'units' },
  { format: 'standard', function: 'plain' },
] as const;

test.each(forms)('in Pyodide a function for $format prompts gives what TRL gets from it', (form) =>
  givesWhatTrlGets({ ...form, interpreter: 'pyodide' }),
);

testWithPython.each(forms)('in python3 a function for $format prompts gives what TRL gets from it', (form) =>
  givesWhatTrlGets({ ...form, interpreter: 'python3' }),
);

/** A function that does what a completion says and gives what comes of it, or 1. */
const obedient = `import os, sys, time
def grade(completions, level, **columns):
    return [eval(each[0]["content"]) or 1 for each in completions]`;

test('each rollout is scored as it is, whatever became of the one before it', async () => {
  const module = await open(obedient, { timeoutSeconds: 10, memoryMiB: 128 });
  expect(module.columns).toEqual(['level']);
  const outcomes = [
    { does: '7', gives: 7 },
    { does: '1 / 0', because: 'error', message: 'line 3: ZeroDivisionError: division by zero' },
    { does: '"text"', because: 'error', message: 'it gave a value of the type str; expected a finite number or None' },
    { does: 'len(bytearray(1 << 30))', because: 'error', message: 'it took more than 128 MiB' },
    { does: '"a" * (1 << 20) * (1 << 10)', because: 'error', message: 'it took more than 128 MiB' },
    { does: 'sys.exit(3)', because: 'error', message: 'its process ended with code 3' },
    { does: '8', gives: 8 },
    { does: 'os.abort()', because: 'error', message: 'its process ended with code 1' },
    { does: 'all(each == 0 for each in iter(int, 1))', because: 'timeout', message: 'it took more than 10 s' },
    { does: '9', gives: 9 },
  ];
  for (const { does, gives, ...unscored } of outcomes) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other is what is tested
    expect([does, await module.score(samples(does))]).toEqual([
      does,
      [gives ?? { ...unscored, message: expect.stringContaining(unscored.message ?? '') }],
    ]);
  }
});

afterEach(() => {
  delete process.env['R1_SECRET'];
});

test('it has no files, no processes, no environment and no network of the machine', async () => {
  process.env['R1_SECRET'] = 'a';
  const attempts = {
    'open("/etc/passwd")': 'FileNotFoundError',
    'os.listdir("/usr")': 'FileNotFoundError',
    '__import__("subprocess").run(["ls"])': 'OSError: ',
    '__import__("threading").Thread(target=print).start()': 'RuntimeError',
    '__import__("socket").create_connection(("127.0.0.1", 9))': 'OSError',
    '__import__("js").process': 'AttributeError',
    '__import__("pyodide_js").mountNodeFS("/mnt", "/etc").then': 'Error',
    '__import__("pyodide_js").constructor.constructor("return process")().getBuiltinModule("fs").readFileSync("/etc/passwd")':
      'JsException: Error: Access to this API has been restricted',
    '__import__("pyodide_js").constructor.constructor("return process")().getBuiltinModule("child_process").execSync("ls")':
      'JsException: Error: Access to this API has been restricted',
  };
  const module = await open(obedient);
  for (const [does, message] of Object.entries(attempts)) {
    // oxlint-disable-next-line no-await-in-loop -- each is a rollout of its own
    expect([does, await module.score(samples(does))]).toEqual([
      does,
      [{ because: 'error', message: expect.stringMatching(message) }],
    ]);
  }
  expect(await module.score(samples('2 + ("R1_SECRET" in os.environ)'))).toEqual([2]);
});

test('sets come in the same order in every process', async () => {
  const source = 'def grade(completions, **columns): return [hash(each[0]["content"]) for each in completions]';
  const [one, other] = [await open(source), await open(source)];
  expect(await one.score(samples('a', 'b'))).toEqual(await other.score(samples('a', 'b')));
});

test('a file with a package that does not come along is refused in words', async () => {
  await expect(open('\nimport numpy')).rejects.toThrow(
    `${join(directory(), 'units.py')}: line 2: ModuleNotFoundError: No module named 'numpy'; expected a file that imports the standard library alone: interpreter: python3 takes one that has more`,
  );
});
