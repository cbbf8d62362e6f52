import type { LabelledAnswers } from './labelled-answers.ts';

const calls = (name: string, ...tests: [args: unknown[], returns: unknown][]): string =>
  JSON.stringify({
    language: 'python',
    function: name,
    tests: tests.map(([args, returns]) => ({ args, returns })),
  });
const program = (...tests: [stdin: string, stdout: string][]): string =>
  JSON.stringify({ language: 'python', tests: tests.map(([stdin, stdout]) => ({ stdin, stdout })) });
/** As APPS and TACO write it. */
const inputOutput = (inputs: unknown[], outputs: unknown[], name?: string): string =>
  JSON.stringify({ ...(name !== undefined && { fn_name: name }), inputs, outputs });

/** Bodies of a function that must not reach, outlast or learn from anything; all of it instead of an answer. */
const hostileBodies = [
  'while True: pass',
  'while True:\n        try:\n            while True: pass\n        except BaseException: pass',
  'import time; time.sleep(10 ** 9)',
  'all = []\n    while True: all.append("x" * 100000)',
  'return [0] * 10 ** 9',
  'return "x" * 10 ** 7',
  'while True: print("x" * 1000)',
  'return answer(*given)',
  'import sys; sys.setrecursionlimit(10 ** 9); return answer(*given)',
  'class A:\n        def __repr__(self): return repr(self)\n    import sys; sys.setrecursionlimit(10 ** 9); return repr(A())',
  'import socket; return socket.create_connection(("127.0.0.1", 80)).recv(10)',
  'import urllib.request; return urllib.request.urlopen("http://127.0.0.1/").read().decode()',
  'return open("/etc/passwd").read()',
  'open("/tmp/answer", "w").write("1"); return open("/tmp/answer").read()',
  'import os; return os.listdir("/")',
  'import os; return dict(os.environ)',
  'import os; os._exit(0)',
  'import os; os.abort()',
  'import os; os.kill(os.getpid(), 9)',
  'import sys; sys.exit(0)',
  'raise SystemExit',
  'import subprocess; return subprocess.run(["id"], capture_output=True).stdout.decode()',
  'import os; return os.popen("id").read()',
  'import threading; found = []; each = threading.Thread(target=lambda: found.append(1)); each.start(); each.join(); return found[0]',
  'import multiprocessing; return multiprocessing.Pool(1).map(len, ["a"])',
  'import js; return str(js.globalThis)',
  'import pyodide_js; return str(pyodide_js.loadPackage)',
  'from pyodide.code import run_js; return run_js("process.exit(0)")',
  'from pyodide.ffi import JsProxy; import gc; return [each.constructor("return process")() for each in gc.get_objects() if isinstance(each, JsProxy)]',
  'import ctypes; return ctypes.pythonapi.Py_IsInitialized()',
  'import ctypes; return ctypes.string_at(0, 10000).decode("latin-1")',
  'import json; json.dumps = lambda *given: "0"; json.JSONEncoder.encode = lambda *given: "0"; return object()',
  'import builtins; builtins.compile = builtins.exec = lambda *given: None; return None',
  'import sys; return [str(frame) for frame in sys._current_frames().values()]',
  'import sys; frame = sys._getframe(); found = []\n    while frame: found.append(str(frame.f_locals)); frame = frame.f_back\n    return found',
  'class Any:\n        def __eq__(self, other): return True\n    return Any()',
  'class Any(int):\n        def __eq__(self, other): return True\n    return Any(-99)',
  'return float("nan")',
  'yield from iter(int, 1)',
  'import faulthandler; faulthandler._sigsegv()',
];
const hostile = (name: string): string[] =>
  hostileBodies.map((body) => `def ${name}(*given):\n    ${body.replaceAll('answer(', `${name}(`)}`);

/** The same as a program, whose output is what a function gave. */
const hostileProgram = (): string[] => [
  ...hostile('answer')
    .filter((code) => !/while True|sleep|iter\(int/.test(code))
    .map((code) => `${code}\nprint(answer())`),
  'import sys\nsys.exit(0)',
  'exit()',
  'print(open("/dev/stdin").read())',
  'print(__file__, __spec__)',
  'import __main__\nprint(vars(__main__))',
  'import sys\nsys.stdout = None',
  'import atexit\natexit.register(lambda: print(3))',
];

const fenced = (code: string, language = 'python'): string =>
  `Here it is:\n\`\`\`${language}\n${code}\n\`\`\`\nThat is all.`;

export const pythonCodeAnswers: readonly LabelledAnswers[] = [
  {
    gold: calls('add', [[1, 2], 3], [[-4, 4], 0], [[0.1, 0.2], 0.3]),
    prompt: 'Write a function add(a, b) that adds two numbers.',
    right: [
      'def add(a, b):\n    return a + b',
      'add = lambda a, b: b + a',
      'from operator import add',
      'async def add(a, b):\n    return a + b',
      'class Solution:\n    def add(self, a: int, b: int) -> int:\n        return a + b',
      fenced('def add(a, b):\n    return a - -b'),
      `${fenced('def add(a, b):\n    return 0')}\n${fenced('def add(a, b):\n    return a + b', 'py')}`,
    ],
    wrong: [
      'def add(a, b):\n    return a - b',
      'def add(*given):\n    return 3',
      'def plus(a, b):\n    return a + b',
      '3',
      'a + b',
      'def add(a, b):\n    return str(a + b)',
      'def add(a, b:\n    return a + b',
      'def add(a, b):\nreturn a + b',
      'function add(a, b) { return a + b; }',
      'def add(a, b):\n    print(a + b)',
      ...hostile('add'),
    ],
    lookAlike: ['def аdd(a, b):\n    return a + b', 'def add(a, b):\n    return a ＋ b'],
  },
  {
    gold: calls('primes', [[10], [2, 3, 5, 7]], [[1], []], [[2], [2]]),
    prompt: 'Write a function primes(n) with all primes up to n.',
    right: [
      'def primes(n):\n    return [p for p in range(2, n + 1) if all(p % q for q in range(2, p))]',
      'def primes(n):\n    for p in range(2, n + 1):\n        if all(p % q for q in range(2, p)):\n            yield p',
      'def primes(n: int) -> List[int]:\n    sieve = [True] * (n + 1)\n    for p in range(2, isqrt(n) + 1):\n        for q in range(p * p, n + 1, p): sieve[q] = False\n    return [p for p in range(2, n + 1) if sieve[p]]',
    ],
    wrong: [
      'def primes(n):\n    return [2, 3, 5, 7]',
      'def primes(n):\n    return [p for p in [2, 3, 5, 7] if p < n]',
      'def primes(n):\n    return {2, 3, 5, 7}',
      'def primes(n):\n    return "[2, 3, 5, 7]"',
    ],
    lookAlike: ['def primes(n):\n    return [２, 3, 5, 7]', 'dеf primes(n): return []'],
  },
  {
    gold: calls('count', [['banana'], { a: 3, b: 1, n: 2 }], [[''], {}]),
    prompt: 'Write a function count(text) of the letters of a text.',
    right: [
      'def count(text):\n    return Counter(text)',
      'import collections\ndef count(text):\n    found = collections.defaultdict(int)\n    for c in text: found[c] += 1\n    return found',
      'def count(text): return {c: text.count(c) for c in text}',
    ],
    wrong: ['def count(text): return {"a": 3, "b": 1, "n": 2}', 'def count(text): return len(text)', 'count = None'],
    lookAlike: ['def соunt(text): return {}', 'def count(text)： return {}'],
  },
  {
    gold: program(['1 2\n', '3\n'], ['10 -4\n', '6'], ['100000 1', '100001\n']),
    prompt: 'Read two numbers from a line and print their sum.',
    right: [
      'a, b = map(int, input().split())\nprint(a + b)',
      'import sys\nprint(sum(map(int, sys.stdin.read().split())))',
      'import sys\ninput = sys.stdin.buffer.readline\nprint(sum(int(each) for each in input().split()))',
      'print(sum(int(each) for each in open(0).read().split()), end="  ")',
      'import os\nos.write(1, str(eval(os.read(0, 99).decode().strip().replace(" ", "+"))).encode())',
      'def main():\n    print(sum(map(int, input().split())))\n\nif __name__ == "__main__":\n    main()\n    exit()',
      fenced('a, b = map(int, input().split())\nprint(a + b)', 'python3'),
    ],
    wrong: [
      'print(3)',
      'a, b = input().split()\nprint(a + b)',
      'print(input())',
      'print(3); print(6); print(100001)',
      'print(input(), input())',
      'print(sum(map(int, input().split())), file=__import__("sys").stderr)',
      'print(sum(map(int, input().split())))\nraise ValueError',
      'import sys\nprint(sum(map(int, input().split())))\nsys.exit(1)',
      ...hostileProgram(),
    ],
    lookAlike: ['рrint(sum(map(int, input().split())))', 'print（3）'],
  },
  {
    gold: calls('reverse', [['abc'], 'cba'], [[''], ''], [['ab cd'], 'dc ba']),
    prompt: 'Write a function reverse(text).',
    right: [
      'def reverse(text): return text[::-1]',
      'reverse = lambda text: "".join(reversed(text))',
      'def reverse(text): return reverse(text[1:]) + text[0] if text else ""',
    ],
    wrong: [
      'def reverse(text): return text',
      'def reverse(text): return list(reversed(text))',
      'def reverse(text): return "cba"',
      'text[::-1]',
    ],
    lookAlike: ['def rеverse(text): return text[::-1]', 'def reverse(text): return text[∷-1]'],
  },
  {
    gold: inputOutput([[[3, 1, 2]], [[]], [[5, 5]]], [[[1, 2, 3]], [[]], [[5, 5]]], 'order'),
    prompt: 'Write a function order(numbers).',
    right: [
      'def order(numbers): return sorted(numbers)',
      'def order(numbers):\n    numbers.sort()\n    return numbers',
      'class Solution:\n    def order(self, numbers): return tuple(sorted(numbers))',
    ],
    wrong: [
      'def order(numbers): return numbers',
      'def order(numbers): return sorted(set(numbers))',
      'def order(numbers): numbers.sort()',
    ],
    lookAlike: ['def оrder(numbers): return sorted(numbers)', 'def order(numbers): return sоrted(numbers)'],
  },
  {
    gold: inputOutput(['3\n1 2 3\n', '1\n7\n'], ['1\n2\n3\n', '7\n']),
    prompt: 'Read a count and numbers; print each on a line of its own.',
    right: [
      'input()\nfor each in input().split(): print(each)',
      'n = int(input())\nprint(*input().split()[:n], sep="\\n")',
      'import sys\nsys.stdout.write("\\n".join(sys.stdin.read().split()[1:]))',
    ],
    wrong: [
      'print(*input().split(), sep="\\n")',
      'input()\nprint(input())',
      'for each in range(1, int(input()) + 1): print(each)',
    ],
    lookAlike: ['input()\nfor each in input().split()： print(each)', 'іnput()\nprint(input())'],
  },
  {
    gold: calls('fib', [[1], 1], [[10], 55], [[70], 190392490709135]),
    prompt: 'Write a function fib(n).',
    right: [
      'def fib(n):\n    a, b = 0, 1\n    for _ in range(n): a, b = b, a + b\n    return a',
      '@cache\ndef fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)',
    ],
    wrong: [
      'def fib(n): return round(1.618 ** n / 5 ** 0.5)',
      'def fib(n): return 55',
      'def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 3)',
    ],
    lookAlike: ['def fіb(n): return 55', 'def fib(n): return ５５'],
  },
  {
    gold: calls('isPalindrome', [['A man, a plan'], false], [['Level'], true], [[''], true]),
    prompt: 'Write a function isPalindrome(text) that ignores case and signs.',
    right: [
      'def isPalindrome(text):\n    kept = [c.lower() for c in text if c.isalnum()]\n    return kept == kept[::-1]',
      'import re\nclass Solution:\n    def isPalindrome(self, text):\n        kept = re.sub(r"\\W", "", text).lower()\n        return kept == kept[::-1]',
    ],
    wrong: [
      'def isPalindrome(text): return True',
      'def isPalindrome(text): return text == text[::-1]',
      'def isPalindrome(text): return "true"',
      'def isPalindrome(text): return 1',
    ],
    lookAlike: ['def іsPalindrome(text): return True', 'def isPalindrome(text): return Тrue'],
  },
];
