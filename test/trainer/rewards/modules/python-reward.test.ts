import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test as anyTest } from '@jest/globals';
import type { Sample } from '../../../../trainer/rewards/modules/protocol.ts';
import { eventually } from '../../../support/eventually.ts';
import { samples, usePythonRewards } from '../../../support/python-rewards.ts';
// A machine need not have a Python, and one without has none of these rewards.
import { testWithPython as test } from '../../../support/with-python.ts';

const { directory, openFile, open } = usePythonRewards({ interpreter: 'python3' });

test('it is given the columns of its rows', async () => {
  const module = await open(`
def grade(prompts, completions, **columns):
    assert prompts == [[{"role": "user", "content": "How far?"}]], prompts
    assert completions == [[{"role": "assistant", "content": "a"}]], completions
    expected = {"answer": ["12 km"], "id": ["ways/1"], "dataset": ["ways"], "domain": ["reasoning"]}
    assert columns == {**expected, "language": [None], "tools": [None]}, columns
    return [1]`);
  expect(await module.score(samples('a'))).toEqual([1]);
  expect(await module.score([])).toEqual([]);
});

test('it is given the further columns of its file under their names, and None where a row has none', async () => {
  const module = await open(`
def grade(prompts, completions, solution, id, answer, level, **columns):
    assert solution == [{"steps": [1, 2.5, None]}, None], solution
    assert (id, answer, level) == ([7, "ways/1"], ["12 km", "12 km"], [None, None]), (id, answer, level)
    assert columns["topic"] == [None, "ways"], columns
    assert "messages" not in columns, columns
    return [1, 2]`);
  expect(module.columns).toEqual(['solution', 'level']);
  const [one, other] = samples('a', 'b') as [Sample, Sample];
  const rows = [
    { ...one, row: { ...one.row, columns: { solution: { steps: [1, 2.5, null] }, id: 7, answer: 12 } } },
    { ...other, row: { ...other.row, columns: { topic: 'ways' } } },
  ];
  expect(await module.score(rows)).toEqual([1, 2]);
});

test.each([
  { name: 'async', source: 'async def grade(completions, **columns): return await _all(completions)' },
  {
    name: 'plain and runs a loop itself',
    source: 'def grade(completions, **columns): return asyncio.run(_all(completions))',
  },
])('a function that is $name', async ({ source }) => {
  const module = await open(`import asyncio
async def _one(completion):
    return len(completion[0]["content"])
async def _all(completions):
    return await asyncio.gather(*(_one(completion) for completion in completions))
${source}`);
  expect(await module.score(samples('a', 'bcd'))).toEqual([1, 3]);
});

test('of several functions the one that takes completions is meant', async () => {
  const module = await open(`
def number_in(text):
    return float(text)
def twice(function):
    return lambda *each, **named: [2 * score for score in function(*each, **named)]
def grade(completions, **columns):
    return [number_in(each[0]["content"]) for each in completions]`);
  expect(await module.score(samples('1', '7'))).toEqual([1, 7]);
});

test.each([
  { format: 'conversational', by: 'completion.strip()', says: 'with format: standard it is the text' },
  { format: 'standard', by: 'completion[0]["content"]', says: 'with format: standard a completion is a text' },
] as const)('says that completions are $format', async ({ format, by, says }) => {
  const module = await open(`def grade(completions, **columns): return [${by} for completion in completions]`, {
    format,
  });
  expect(await module.score(samples('a'))).toEqual([{ because: 'error', message: expect.stringContaining(says) }]);
});

const onBad = (act: string) => `import os, socket, subprocess, sys, time
def grade(completions, **columns):
    if completions[0][0]["content"] == "bad":
        ${act}
    return [1] * len(completions)`;

test.each([
  { name: 'raises', act: 'raise ValueError("no unit")', because: 'error', message: 'line 4: ValueError: no unit' },
  {
    name: 'gives too few scores',
    act: 'return [1]',
    because: 'error',
    message: 'ValueError: it gave 1 scores for 2 completions; expected a list of as many numbers or Nones',
  },
  {
    name: 'gives one number',
    act: 'return 1.5',
    because: 'error',
    message: 'it gave 1.5 for 2 completions; expected a',
  },
  {
    name: 'gives nothing',
    act: 'return',
    because: 'error',
    message: 'it gave None for 2 completions; expected a list',
  },
  { name: 'gives text', act: 'return "11"', because: 'error', message: 'it gave a value of the type str for 2' },
  { name: 'gives texts', act: 'return ["1", "2"]', because: 'error', message: 'it gave a value of the type str; exp' },
  {
    name: 'gives an infinity',
    act: 'return [float("inf")] * 2',
    because: 'error',
    message: 'it gave inf; expected a ',
  },
  { name: 'never ends', act: 'while True: pass', because: 'timeout', message: 'took more than 2 s', timeoutSeconds: 2 },
  { name: 'sleeps', act: 'time.sleep(600)', because: 'timeout', message: 'it took more than 2 s', timeoutSeconds: 2 },
  { name: 'ends its process', act: 'sys.exit(3)', because: 'error', message: 'its process ended with code 3' },
  { name: 'breaks down', act: 'os.abort()', because: 'error', message: 'its process ended with signal SIGABRT' },
  {
    name: 'takes all memory',
    act: 'return [len(bytearray(1 << 40))]',
    because: 'error',
    message: 'it took more than 256 MiB',
  },
  {
    name: 'writes where answers go',
    act: 'os.write(3, b"none\\n")',
    because: 'error',
    message: 'its process ended with signal SIGKILL',
  },
])('a rollout on which it $name has no scores, and the next has', async ({ act, because, message, ...more }) => {
  const { timeoutSeconds = 60 } = more;
  const module = await open(onBad(act), { timeoutSeconds, memoryMiB: 256 });
  const unscored = { because, message: expect.stringContaining(message) };
  expect(await module.score(samples('bad', 'b'))).toEqual([unscored, unscored]);
  expect(await module.score(samples('a'))).toEqual([1]);
});

test.each([
  { name: 'hangs', act: 'time.sleep(600)', timeoutSeconds: 2 },
  { name: 'ends', act: 'sys.exit(3)', timeoutSeconds: 60 },
])('what it has started ends with it, where it $name', async ({ act, timeoutSeconds }) => {
  const pid = join(directory(), 'pid');
  const start = `open(${JSON.stringify(pid)}, "w").write(str(subprocess.Popen(["sleep", "600"]).pid)); ${act}`;
  const module = await open(onBad(start), { timeoutSeconds });
  expect(await module.score(samples('bad'))).toEqual([expect.objectContaining({ message: expect.any(String) })]);
  const started = Number(await readFile(pid, 'utf8'));
  expect(started).toBeGreaterThan(1);
  await eventually(() => expect(() => process.kill(started, 0)).toThrow('ESRCH'));
});

test('what it writes in an order of its own is the same in every process', async () => {
  const source = 'def grade(completions, **columns): return [hash(each[0]["content"]) for each in completions]';
  const hashes = await Promise.all([open(source), open(source)]);
  const [one, other] = await Promise.all(hashes.map((module) => module.score(samples('a', 'b'))));
  expect(one).toEqual(other);
});

test('the environment of the trainer, its stdin and modules beside the file stay out of its sight', async () => {
  await writeFile(join(directory(), 'beside.py'), '');
  const module = await open(`
import os, sys
def grade(completions, **columns):
    try:
        import beside
    except ModuleNotFoundError:
        return [len(set(os.environ) - {"PYTHONHASHSEED", "OMP_NUM_THREADS", "LC_CTYPE", "PWD"}) + len(sys.stdin.read())]`);
  expect(await module.score(samples('a'))).toEqual([0]);
});

const ofItsOwn = spawnSync('unshare', ['--user', '--net', 'true']).status === 0 ? test : anyTest.skip;

ofItsOwn('where the kernel lets a user make a network, it reaches nobody', async () => {
  await using server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const module = await open(`
import socket
def grade(completions, **columns):
    try:
        socket.create_connection(("127.0.0.1", ${port}))
        return [1]
    except OSError:
        return [0]`);
  expect(await module.score(samples('a'))).toEqual([0]);
});

test('its time of computing is bounded where there is no trainer to end it', async () => {
  const module = await open(`
import os, resource, time
def grade(completions, **columns):
    return [resource.getrlimit(resource.RLIMIT_CPU)[0] - time.process_time() - 7 * os.cpu_count()]`);
  const [left] = await module.score(samples('a'));
  expect(left).toBeGreaterThan(0); // with timeoutSeconds of 60
  expect(left).toBeLessThan(1e5);
});

test('a stop ends a rollout that is being scored', async () => {
  const stop = new AbortController();
  const file = join(directory(), 'units.py');
  const begun = join(directory(), 'begun');
  await writeFile(
    file,
    `import time\ndef grade(completions, **columns):\n    open(${JSON.stringify(begun)}, "w")\n    time.sleep(600)`,
  );
  const module = await openFile({ file, timeoutSeconds: 600 }, stop.signal);
  const scored = module.score(samples('a'));
  await eventually(async () => expect(await readFile(begun, 'utf8')).toBe(''));
  stop.abort();
  await expect(scored).rejects.toThrow('asked to stop while a reward was computed');
});

test.each([
  { name: 'a fault of syntax', source: 'a = 1\ndef grade(:\n', says: 'line 2: SyntaxError: ' },
  { name: 'a fault of indentation', source: 'def grade():\nreturn 1', says: 'line 2: IndentationError: ' },
  { name: 'an error at the top', source: 'a = 1\n\na.x', says: 'line 3: AttributeError: ' },
  {
    name: 'a package that is not there',
    source: '\nimport no_such_package',
    says: "line 2: ModuleNotFoundError: No module named 'no_such_package'; expected a file that imports what /",
  },
  { name: 'no function', source: 'from math import sqrt', says: 'it defines no function; expected one function with' },
  {
    name: 'two functions',
    source: 'def a(completions, **k): pass\ndef b(completions, **k): pass\ndef _c(): pass',
    says: 'it defines a, b; expected one function with a parameter completions, or the name of one in the field function',
  },
  { name: 'no such function', source: 'def a(**k): pass', function: 'b', says: 'it has no b: it defines a' },
  {
    name: 'no function of the name',
    source: 'b = 1',
    function: 'b',
    says: 'its b is a value of the type int; expected',
  },
  {
    name: 'the parameters of another framework',
    source: '\ndef compute_score(data_source, solution_str, ground_truth): pass',
    says: "line 2: compute_score cannot be called by TRL's keywords: got an unexpected keyword argument 'prompts'; expected compute_score(prompts, completions, **columns), which is given prompts, completions, answer, id, dataset, domain, language, tools and the columns of the data",
  },
  {
    name: 'an end of its process',
    source: 'import sys\nsys.exit(4)',
    says: 'could not be loaded: its process ended with code 4',
  },
  {
    name: 'no Python',
    source: '',
    interpreter: 'no-such-python',
    says: 'found no no-such-python on this machine; exp',
  },
  {
    name: 'another program',
    source: '',
    interpreter: 'false',
    says: 'false is no Python 3; expected one that runs it',
  },
])('a file with $name is refused in words', async ({ source, says, ...more }) => {
  const { function: wanted, interpreter = 'python3' } = more;
  await expect(open(source, { ...(wanted && { function: wanted }), interpreter })).rejects.toThrow(
    `${join(directory(), 'units.py')}: ${says}`,
  );
});

test('a file of another language is refused in words', async () => {
  await expect(openFile({ file: 'units.ts' })).rejects.toThrow(
    'units.ts: is no Python file; expected one whose name ends in .py',
  );
});
