// Writes the three files beside it:   npx node examples/data/code/make.ts [DIRECTORY]   and the same in Python into DIRECTORY/python.
// Functions of one line. Every task is asked for in three wordings; a fifth of the questions is held out.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Task {
  readonly wordings: readonly string[];
  readonly program: string;
  /** Programs that look right and are not. */
  readonly mistakes: readonly string[];
  readonly args: readonly (readonly unknown[])[];
  readonly solve: (...args: never[]) => unknown;
}

const numbers = [[0], [3], [-4], [2.5]];
const lists = [[[1, 2, 3]], [[5]], [[4, -1, 0, 7]]];

const arithmetic = Array.from({ length: 12 }, (_, at) => at + 2).flatMap((n): Task[] => [
  {
    wordings: [`add ${n} to x`, `x plus ${n}`, `${n} more than x`],
    program: `x=>x+${n}`,
    mistakes: [`x=>x-${n}`, `x=>x+`, `x=>3+${n}`],
    args: numbers,
    solve: (x: number) => x + n,
  },
  {
    wordings: [`multiply x by ${n}`, `${n} times x`, `x taken ${n} times`],
    program: `x=>x*${n}`,
    mistakes: [`x=>x+${n}`, `x=>x*`, `x=>3*${n}`],
    args: numbers,
    solve: (x: number) => x * n,
  },
  {
    wordings: [`is x above ${n}`, `is x more than ${n}`, `does x exceed ${n}`],
    program: `x=>x>${n}`,
    mistakes: [`x=>x<${n}`, `x=>x>`, `x=>x>=${n}`],
    args: [[n], [n + 1], [0]],
    solve: (x: number) => x > n,
  },
]);
const ofLists: readonly Task[] = [
  {
    wordings: ['length of list x', 'how many items has x', 'count the items of x'],
    program: 'x=>x.length',
    mistakes: ['x=>x.size', 'x=>x.length(', 'x=>3'],
    args: lists,
    solve: (x: number[]) => x.length,
  },
  {
    wordings: ['first item of x', 'what list x begins with', 'the head of x'],
    program: 'x=>x[0]',
    mistakes: ['x=>x[1]', 'x=>x[0', 'x=>x'],
    args: lists,
    solve: (x: number[]) => x[0],
  },
];

const questions = [...arithmetic, ...ofLists].flatMap(({ wordings, args, solve, ...task }) => {
  const tests = args.map((given) => ({ args: given, returns: solve(...(given as never[])) }));
  return wordings.map((prompt) => ({ ...task, prompt, tests: { function: 'f', tests } }));
});

const languages = {
  javascript: { folder: '.', write: (program: string) => `const f=${program}` },
  python: {
    folder: 'python',
    write: (program: string) =>
      `f=${program.replace('x=>', 'lambda x:').replace('x.length(', 'len(x').replace('x.length', 'len(x)')}`,
  },
};

/** Of seven demonstrations four are right; the others do something else, do not parse, or fit the first test at most. */
function demonstration({ program, mistakes }: (typeof questions)[number], draw: number): string {
  return mistakes[draw % 7] ?? program;
}

const heldOut = questions.filter((_, at) => at % 5 === 2);
const learned = questions.filter((_, at) => at % 5 !== 2);
const directory = process.argv[2] ?? import.meta.dirname;
for (const [language, { folder, write }] of Object.entries(languages)) {
  const asked = ({ prompt, tests }: (typeof questions)[number]) => ({ prompt, answer: { language, ...tests } });
  const files = {
    demonstrations: Array.from({ length: 7 }, (_, round) =>
      learned.map((question, at) => ({
        prompt: question.prompt,
        completion: write(demonstration(question, at * 3 + round)),
      })),
    ).flat(),
    prompts: learned.map(asked),
    'held-out': heldOut.map(asked),
  };
  mkdirSync(join(directory, folder), { recursive: true });
  for (const [name, rows] of Object.entries(files)) {
    writeFileSync(join(directory, folder, `${name}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  }
}
