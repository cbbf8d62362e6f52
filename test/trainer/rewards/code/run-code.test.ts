import { spawnSync } from 'node:child_process';
import { afterAll, expect, test } from '@jest/globals';
import { hosts } from '../../../../trainer/rewards/code/hosts.ts';
import { outcomesOf, runCode } from '../../../../trainer/rewards/code/run-code.ts';
import type { Job } from '../../../../trainer/rewards/code/code-tests.ts';
import { type End, type Host, RunnerPool } from '../../../../trainer/rewards/runners/runner-pool.ts';

const pool = new RunnerPool(hosts.python, { size: 2, timeoutMs: 60_000 });
const alone = new RunnerPool(hosts.python, { size: 1, timeoutMs: 60_000 });
afterAll(() => {
  pool.close();
  alone.close();
});

test.each([
  ['input and print', 'a, b = map(int, input().split())\nprint(a + b)', '3\n'],
  ['bytes of standard input', 'import sys\nprint(sys.stdin.buffer.readline())', "b'1 2\\n'\n"],
  ['a file of the number 0', 'print(open(0).read().split())', "['1', '2']\n"],
  ['sys.exit, which ends it', 'print(1)\nexit()\nprint(2)', '1\n'],
  ['what graders import', 'print(gcd(4, 6), Counter("aa"), List[int])', "2 Counter({'a': 2}) typing.List[int]\n"],
  [
    'a deep recursion',
    'import sys\nsys.setrecursionlimit(10**6)\nf = lambda n: n and 1 + f(n - 1)\nprint(f(50000))',
    '50000\n',
  ],
  ['output of descriptors', 'import os\nos.write(1, b"x")', 'x'],
  [
    'time, which passes as it is looked at',
    'import time\nstart = time.time()\ntime.sleep(0.01)\nprint(0 < time.time() - start < 1)',
    'True\n',
  ],
])('a program in Python has %s', async (_what, code, output) => {
  expect(await pool.run({ code, stdin: ['1 2\n'] })).toEqual([{ output }]);
});

test.each([
  ['a loop without end', 'while True: pass', 'it took too many steps'],
  [
    'a loop that catches everything',
    'while True:\n  try:\n    while True: pass\n  except BaseException: pass',
    'it took too many steps',
  ],
  ['a long sleep', 'import time\ntime.sleep(10**9)', 'it took too many steps'],
  ['too much memory', 'x = [0] * 10**9', /^MemoryError/],
  ['too much output', 'print("x" * 2**21)', 'it wrote more than 1048576 bytes'],
  ['a recursion without end', 'def f(): f()\nf()', /^RecursionError/],
  [
    'a recursion without end in C',
    'class A:\n  def __repr__(self): return repr(self)\nimport sys\nsys.setrecursionlimit(10**9)\nrepr(A())',
    /^RangeError/,
  ],
  ['JavaScript', 'import js\nprint(js.setTimeout)', 'it reached for what is outside of Python'],
  ['functions of C', 'import ctypes\nctypes.pythonapi.Py_IsInitialized()', 'it reached for what is outside of Python'],
  ['the end of the process', 'import os\nos._exit(0)', 'it reached for what is outside of Python'],
  ['a fault of the engine', 'import os\nos.abort()', /^RuntimeError/],
  ['files of the machine', 'open("/etc/hostname")', /^FileNotFoundError/],
  ['files of its own', 'open("/tmp/a", "w")', /^OSError: .*Read-only/],
  ['the network', 'import socket\nsocket.create_connection(("127.0.0.1", 80))', /^PermissionError/],
  ['processes', 'import subprocess\nsubprocess.run(["id"])', /^OSError/],
  ['threads', 'import threading\nthreading.Thread(target=print).start()', /^RuntimeError/],
  ['NumPy', 'import numpy', "ModuleNotFoundError: No module named 'numpy'"],
  ['an exit with a code', 'exit(3)', 'SystemExit: 3'],
])('a program in Python fails by %s', async (_what, code, failed) => {
  const [outcome] = (await pool.run({ code, stdin: [''] })) as [{ readonly failed: string }];
  expect(outcome.failed).toMatch(failed);
});

test.each([
  ['module', 'import math\nmath.pi = 3', 'import math\nprint(math.pi > 3)', 'True\n'],
  ['builtin', 'import builtins\nbuiltins.print = None', 'print(1)', '1\n'],
  ['standard output', 'import sys, os\nsys.stdout.close()\nos.close(1)', 'print(1)', '1\n'],
  [
    'random state',
    'import random\nrandom.seed(1)',
    'import random, os\nprint(len({random.random(), os.urandom(4)}))',
    '2\n',
  ],
  ['large heap', 'x = [0] * 10**7', 'print(sum([0] * 10**6))', '0\n'],
])('a program finds no %s as another has left it', async (_what, first, second, output) => {
  await alone.run({ code: first, stdin: [''] });
  expect(await alone.run({ code: second, stdin: [''] })).toEqual([{ output }]);
});

test('the same comes of all programs, whatever the number of runners', async () => {
  const jobs = Array.from({ length: 12 }, (_, n) => ({
    code: `import random\nprint({object(): 1 for _ in range(3)} and random.random(), hash("${n}"), id(print), ${n})`,
    stdin: ['', ''],
  }));
  const [found, others] = await Promise.all(
    [alone, pool].map((runners) => Promise.all(jobs.map((job) => runners.run(job)))),
  );
  expect(others).toEqual(found);
});

test.each(['javascript', 'python'] as const)('this thread goes on while a program in %s loops', async (language) => {
  let beats = 0;
  const heart = setInterval(() => beats++, 5);
  const code = language === 'python' ? 'while True: pass' : 'for (;;);';
  const [outcome] = (await runCode(language, { code, stdin: ['while this beats'] })) as [object];
  clearInterval(heart);
  expect(outcome).toHaveProperty('failed');
  expect(beats).toBeGreaterThan(1);
});

test.each([
  ['javascript', 'searches in a long text', 'for (;;) "a".repeat(1e6).indexOf("b")'],
  ['python', 'a sum without steps', 'sum(range(10**12))'],
  ['python', 'a regular expression that goes back without end', 'import re\nre.match("(a+)+$", "a" * 40 + "!")'],
] as const)('in %s %s takes more time than it may have, and the next program runs', async (language, _what, code) => {
  const strict = new RunnerPool(hosts[language], { size: 1, timeoutMs: 300 });
  expect(await strict.run({ code, stdin: [''] })).toBe('timeout');
  expect(await strict.run({ code: 'print(1)', stdin: [''] })).toEqual([{ output: '1\n' }]);
  strict.close();
});

/** A host that gives its number for an answer, unless the program says what becomes of it. */
function stub(cpuMs: () => number | undefined): () => Host<Job> {
  let started = 0;
  return () => {
    const number = ++started;
    let hear: ((message: unknown) => void) | undefined;
    let ended: ((end: End) => void) | undefined;
    setImmediate(() => hear?.('ready'));
    return {
      hear: (listener) => (hear = listener),
      onEnd: (listener) => (ended = listener),
      send({ code }: Job) {
        if (code === 'broken' || code === 'killed') ended?.(code);
        else if (code !== 'hang') hear?.([{ output: String(number) }]);
      },
      end: () => undefined,
      cpuMs: async () => cpuMs(),
    };
  };
}

let clockMs = 0;

test.each([
  { what: 'hangs', code: 'hang', cpuMs: () => undefined, lost: 'timeout' },
  { what: 'uses up its time', code: 'hang', cpuMs: () => (clockMs += 20), lost: 'timeout' },
  { what: 'is given no time by a busy machine', code: 'hang', cpuMs: () => 0, lost: 'error' },
  { what: 'breaks its host', code: 'broken', cpuMs: () => 0, lost: 'broken' },
  { what: 'has its host killed', code: 'killed', cpuMs: () => 0, lost: 'error' },
])('a run that $what says so, and the next one has another runner', async ({ code, cpuMs, lost }) => {
  const impatient = new RunnerPool(stub(cpuMs), { size: 1, timeoutMs: 10 });
  const asked = ['first', code, 'last'].map((each) => impatient.run({ code: each, stdin: [''] }));
  expect(await Promise.all(asked)).toEqual([[{ output: '1' }], lost, [{ output: '2' }]]);
});

const dead: Host<Job> = {
  hear: () => undefined,
  onEnd: (listener) => void setImmediate(listener, 'broken'),
  send: () => undefined,
  end: () => undefined,
  cpuMs: async () => undefined,
};

test('a host that does not start is no fault of its program', async () => {
  expect(await new RunnerPool(() => dead, { size: 1, timeoutMs: 10 }).run({ code: '1', stdin: [''] })).toBe('error');
});

test.each(['javascript', 'python'])('a process with nothing else to do waits for a program in %s', (language) => {
  const asked = (code: string): string => `runCode('${language}', { code: '${code}', stdin: [''] })`;
  const program = `import('./trainer/rewards/code/run-code.ts').then(async ({ runCode }) => {
    console.log(JSON.stringify([await ${asked('print(1)')}, await ${asked('print(2)')}]));
  })`;
  const { stdout } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' });
  expect(JSON.parse(stdout)).toEqual([[{ output: '1\n' }], [{ output: '2\n' }]]);
});

test.each([
  ['timeout', [{ failed: 'it took more than 10 s of a processor' }]],
  ['broken', [{ failed: 'it broke what it ran in' }]],
  ['error', undefined],
  [[{ output: '1' }], [{ output: '1' }]],
] as const)('of %j comes %j', (told, outcomes) => {
  expect(outcomesOf(told)).toEqual(outcomes);
});

(process.env['R1_LONG_TESTS'] === '1' ? test : test.skip)('what uses up its time has failed its test', async () => {
  const outcomes = await runCode('python', { code: 'sum(range(10**12))', stdin: ['', ''] });
  expect(outcomes).toEqual([{ failed: 'it took more than 10 s of a processor' }]);
});
