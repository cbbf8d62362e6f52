import { expect, test } from '@jest/globals';
import { runCalls } from '../../../trainer/tools/tools.ts';

const callOf = (name: string, given: object) =>
  `<tool_call>\n${JSON.stringify({ name, arguments: given })}\n</tool_call>`;
const calculate = (expression: string) => callOf('calculator', { expression });
const program = (code: string) => callOf('javascript', { code });
const python = (code: string) => callOf('python', { code });

test.each([
  { expression: '12 + 30', result: '42' },
  { expression: '(12+3)*4/8', result: '7.5' },
  { expression: '1/3', result: '1/3' },
  { expression: '0.1 + 0.2', result: '0.3' },
  { expression: '2^10', result: '1024' },
  { expression: '3 × 4 − 2', result: '10' },
  { expression: 'sqrt(2)', result: '1.41421356237' },
  { expression: 'sqrt(-4)', result: '0 + 2i' },
  { expression: '\\frac{3}{4} + 1', result: '1.75' },
  { expression: '2^{900}', result: '8.45271249817e+270' },
])('the calculator works out $expression', async ({ expression, result }) => {
  expect(await runCalls(calculate(expression), ['calculator'])).toEqual([
    { name: 'calculator', content: result, failed: false },
  ]);
});

test('a program says what it prints, and has no network, files or clock', async () => {
  const [printed, silent] = await runCalls(`${program('console.log(6 * 7)')}${program('1')}`, ['javascript']);
  expect(printed).toEqual({ name: 'javascript', content: '42', failed: false });
  expect(silent?.content).toBe('the program printed nothing');
  expect((await runCalls(program('console.log(typeof fetch, Date.now())'), ['javascript']))[0]?.content).toBe(
    'undefined 0',
  );
});

test('a program in Python likewise', async () => {
  const calls = `${python('print(sum(n * n for n in range(5)))')}${python('import socket; socket.create_connection(("127.0.0.1", 1))')}${python('1 / 0')}`;
  const [printed, ...failed] = await runCalls(calls, ['python']);
  expect(printed).toEqual({ name: 'python', content: '30', failed: false });
  expect(failed).toEqual([
    { name: 'python', content: expect.stringMatching(/^Error: /), failed: true },
    { name: 'python', content: expect.stringMatching(/^Error: .*division by zero/s), failed: true },
  ]);
}, 60_000);

test.each([
  { name: 'words', text: calculate('what is two'), fault: /cannot read the expression what is two/ },
  { name: 'a variable', text: calculate('2x'), fault: /has a variable: x/ },
  { name: 'no value', text: calculate('1/0'), fault: /1\/0 has no value/ },
  { name: 'no argument', text: callOf('calculator', {}), fault: /argument expression: found nothing, expected text/ },
  { name: 'an argument of another type', text: callOf('javascript', { code: 3 }), fault: /argument code: found 3/ },
  {
    name: 'a name that is not there',
    text: callOf('search', {}),
    fault: /found the tool search, expected calculator or javascript/,
  },
  { name: 'no JSON', text: '<tool_call>1+1</tool_call>', fault: /found no call, expected \{"name"/ },
  { name: 'no end', text: '<tool_call>{"name": "javascript"', fault: /found a call without <\/tool_call>/ },
  { name: 'a program that throws', text: program('throw new Error("no")'), fault: /no/ },
  { name: 'a program that never ends', text: program('for (;;) {}'), fault: /Error: / },
  { name: 'a program that is too long', text: program('1;'.repeat(10_500)), fault: /expected at most 20000/ },
])('a call that fails is answered in words: $name', async ({ text, fault }) => {
  const results = await runCalls(text, ['calculator', 'javascript']);
  expect(results).toEqual([expect.objectContaining({ failed: true, content: expect.stringMatching(fault) })]);
  expect(results[0]?.content).toMatch(/^Error: /);
});

test('a tool that was not asked for is none', async () => {
  expect((await runCalls(program('1'), ['calculator']))[0]?.failed).toBe(true);
});

test('several calls are answered in their order, and a text without any by nothing', async () => {
  expect(
    (await runCalls(`a ${calculate('1+1')} b ${calculate('2+2')}`, ['calculator'])).map(({ content }) => content),
  ).toEqual(['2', '4']);
  expect(await runCalls('1 + 1 = <answer>2</answer>', ['calculator'])).toEqual([]);
});
