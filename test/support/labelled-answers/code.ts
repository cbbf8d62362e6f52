import type { LabelledAnswers } from './labelled-answers.ts';

const calls = (name: string, ...tests: [args: unknown[], returns: unknown][]): string =>
  JSON.stringify({
    language: 'javascript',
    function: name,
    tests: tests.map(([args, returns]) => ({ args, returns })),
  });
const program = (...tests: [stdin: string, stdout: string][]): string =>
  JSON.stringify({ language: 'javascript', tests: tests.map(([stdin, stdout]) => ({ stdin, stdout })) });

/** What a program must not reach, must not outlast, or must not learn from; all of it instead of an answer. */
const hostile = (name: string): string[] => [
  `function ${name}() { for (;;); }`,
  `function ${name}() { return ${name}(); }`,
  `for (;;); function ${name}() {}`,
  `function ${name}() { const all = []; for (;;) all.push('x'.repeat(1000)); }`,
  `function ${name}() { return new Array(1e9).fill(1); }`,
  `function ${name}() { for (;;) console.log('x'.repeat(1000)); }`,
  `function ${name}() { let n = 3n; for (;;) n *= n; }`,
  `function ${name}() { return /^(a+)+$/.test('a'.repeat(40) + 'b'); }`,
  `async function ${name}() { return (await fetch('http://127.0.0.1/')).status; }`,
  `async function ${name}() { return (await import('node:fs')).readFileSync('/etc/passwd', 'utf8'); }`,
  `function ${name}() { return require('fs').readFileSync('/etc/passwd', 'utf8'); }`,
  `function ${name}() { return require('child_process').execSync('id'); }`,
  `function ${name}() { return process.env; }`,
  `function ${name}() { return this.constructor.constructor('return process')().mainModule; }`,
  `JSON.stringify = () => 'true'; Object.prototype.toJSON = () => true; function ${name}() { return {}; }`,
  `globalThis.${name} = new Proxy(() => 0, { apply: () => ({ then() {} }) });`,
  `function ${name}() { return new Promise(() => {}); }`,
  `function ${name}() { throw 'passed'; }`,
];

export const codeAnswers: readonly LabelledAnswers[] = [
  {
    gold: calls('add', [[1, 2], 3], [[-4, 4], 0], [[0.1, 0.2], 0.3]),
    prompt: 'Write a function add(a, b) that adds two numbers.',
    right: [
      'function add(a, b) { return a + b; }',
      'const add = (a, b) => a + b;',
      'async function add(a, b) { return a + b; }',
      '```js\nfunction add(a, b) {\n  return a + b;\n}\n```',
      'Here it is:\n```javascript\nconst add = (a, b) => b + a;\n```\nIt adds both.',
      'First:\n```js\nconst add = () => 0;\n```\nBetter:\n```js\nconst add = (a, b) => a - -b;\n```',
    ],
    wrong: [
      'function add(a, b) { return a - b; }',
      'function add() { return 3; }',
      'function plus(a, b) { return a + b; }',
      '3',
      'a + b',
      'function add(a, b) { return String(a + b); }',
      'function add(a, b { return a + b; }',
      ...hostile('add'),
    ],
    lookAlike: ['function аdd(a, b) { return a + b; }', 'function add(a, b) { return a ＋ b; }'],
  },
  {
    gold: calls('primes', [[10], [2, 3, 5, 7]], [[1], []], [[2], [2]]),
    prompt: 'Write a function primes(n) with all primes up to n.',
    right: [
      'function primes(n) { const all = []; for (let p = 2; p <= n; p++) if (all.every((q) => p % q)) all.push(p); return all; }',
      'const primes = (n) => [...Array(n + 1).keys()].slice(2).filter((p) => { for (let q = 2; q * q <= p; q++) if (p % q === 0) return false; return true; });',
    ],
    wrong: [
      'function primes(n) { return [2, 3, 5, 7]; }',
      'function primes(n) { return [2, 3, 5, 7].filter((p) => p < n); }',
      'function primes() { return []; }',
      ...hostile('primes'),
    ],
    lookAlike: ['function primes(n) { return ‘2, 3, 5, 7’; }', 'functіon primes(n) { return []; }'],
  },
  {
    gold: calls('count', [['banana'], { a: 3, b: 1, n: 2 }], [[''], {}]),
    prompt: 'Write a function count(text) of the letters of a text.',
    right: [
      'function count(text) { const found = {}; for (const c of text) found[c] = (found[c] ?? 0) + 1; return found; }',
      'const count = (t) => [...t].reduce((all, c) => ({ ...all, [c]: (all[c] || 0) + 1 }), {});',
    ],
    wrong: [
      'function count(text) { return { a: 3, b: 1, n: 2 }; }',
      'function count(text) { return text.length; }',
      'const count = () => null;',
      ...hostile('count'),
    ],
    lookAlike: ['function соunt(text) { return {}; }', 'const count = (t) ⇒ ({});'],
  },
  {
    gold: program(['1 2\n', '3\n'], ['10 -4\n', '6'], ['100000 1', '100001\n']),
    prompt: 'Read two numbers from a line and print their sum.',
    right: [
      "const [a, b] = readline().split(' ').map(Number); console.log(a + b);",
      "const [a, b] = require('fs').readFileSync(0, 'utf8').trim().split(/\\s+/).map(Number);\nconsole.log(a + b);",
      "print(readline().split(' ').reduce((sum, each) => sum + +each, 0));",
      "```js\nconst fs = require('node:fs');\nconst [a, b] = fs.readFileSync('/dev/stdin', 'utf8').split(' ');\nconsole.log(Number(a) + Number(b) + '  ');\n```",
    ],
    wrong: [
      'console.log(3);',
      "const [a, b] = readline().split(' '); console.log(a + b);",
      'console.log(readline());',
      'console.log(3); console.log(6); console.log(100001);',
      'while (true) console.log(3);',
      'for (;;) readline();',
      "console.log(require('fs').readFileSync('/etc/hostname', 'utf8'));",
      "console.log(eval(readline().replace(' ', '-')));",
      'process.exit(0);',
      '',
      ...hostile('main').map((code) => `${code}\nmain();`),
    ].filter((code) => code !== ''),
    lookAlike: ['соnsole.log(3);', 'console.log(‘3’);'],
  },
  {
    gold: calls('reverse', [['abc'], 'cba'], [[''], ''], [['ab cd'], 'dc ba']),
    prompt: 'Write a function reverse(text).',
    right: [
      "const reverse = (text) => [...text].reverse().join('');",
      "function reverse(text) { return text === '' ? '' : reverse(text.slice(1)) + text[0]; }",
      "```ts\nconst reverse = (text) => text.split('').reverse().join('');\n```",
      "class Text { static reverse(text) { let all = ''; for (const c of text) all = c + all; return all; } }\nconst { reverse } = Text;",
    ],
    wrong: [
      'const reverse = (text) => text;',
      "const reverse = () => 'cba';",
      'const reverse = (text) => [...text].reverse();',
      "reverse = 'cba'",
      'cba',
      ...hostile('reverse'),
    ],
    lookAlike: [
      "const rеverse = (text) => [...text].reverse().join('');",
      'const reverse = (text) => [...text].reverse().join(″″);',
    ],
  },
];
