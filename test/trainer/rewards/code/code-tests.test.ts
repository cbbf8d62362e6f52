import { expect, test } from '@jest/globals';
import { codeVerifier } from '../../../../trainer/rewards/verifiers/code.ts';

test.each([
  [
    'input_output of APPS, of a function whose outputs stand in lists',
    { fn_name: 'add', inputs: [[1, 2]], outputs: [[3]] },
    { language: 'python', function: 'add', tests: [{ args: [1, 2], returns: 3 }] },
  ],
  [
    'input_output of TACO, of a function',
    { fn_name: 'add', inputs: [[1, 2]], outputs: [3], starter: '' },
    { language: 'python', function: 'add', tests: [{ args: [1, 2], returns: 3 }] },
  ],
  [
    'input_output of a program',
    { inputs: ['1\n', ['2', '3']], outputs: ['1\n', ['2']] },
    {
      language: 'python',
      tests: [
        { stdin: '1\n', stdout: '1\n' },
        { stdin: '2\n3', stdout: '2' },
      ],
    },
  ],
  [
    'tests of LiveCodeBench, of a program',
    { tests: [{ input: '1\n', output: '2\n', testtype: 'stdin' }] },
    { language: 'python', tests: [{ stdin: '1\n', stdout: '2\n' }] },
  ],
  [
    'tests of LiveCodeBench, of a function',
    { function: 'f', tests: [{ input: '[1]\n"a"', output: 'true', testtype: 'functional' }] },
    { language: 'python', function: 'f', tests: [{ args: [[1], 'a'], returns: true }] },
  ],
])('reads %s', (_what, gold, tests) => {
  expect(codeVerifier.parseGold(JSON.stringify(gold))).toEqual(tests);
});

test.each([
  ['an input without output', { inputs: ['1', '2'], outputs: ['1'] }],
  ['calls of no function', { tests: [{ input: '1', output: '1', testtype: 'functional' }] }],
  ['arguments that are no JSON', { function: 'f', tests: [{ input: 'a b', output: '1', testtype: 'functional' }] }],
  ['an unknown language', { language: 'cobol', inputs: ['1'], outputs: ['1'] }],
  ['no tests', { inputs: [], outputs: [] }],
])('refuses %s', (_what, gold) => {
  expect(codeVerifier.parseGold(JSON.stringify(gold))).toBeUndefined();
});

test.each([
  ['python', '```python\nprint(1)\n```'],
  ['python', '```py\nprint(1)\n```'],
  ['javascript', '```js\nprint(1)\n```'],
  ['python', '```\nprint(1)\n```'],
  ['python', 'print(1)'],
])('takes a program for %s: %s', (language, answer) => {
  const gold = codeVerifier.parseGold('{"tests": [{"stdin": "", "stdout": "1"}]}');
  expect(gold && codeVerifier.read(answer, undefined, gold)).toEqual({ code: 'print(1)', language });
});
