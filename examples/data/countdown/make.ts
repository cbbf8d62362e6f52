// Writes the three files beside it:   npx node examples/data/countdown/make.ts [DIRECTORY]
// Countdown: an expression of three given numbers, each taken once, that is worth the target. Puzzles are asked with their numbers in four
// orders; a quarter is held out, so that each puzzle that is held out in one order is known in others.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const forms = [
  {
    write: (a: number, b: number, c: number) => `${a}+${b}+${c}`,
    value: (a: number, b: number, c: number) => a + b + c,
  },
  {
    write: (a: number, b: number, c: number) => `${a}+${b}-${c}`,
    value: (a: number, b: number, c: number) => a + b - c,
  },
  {
    write: (a: number, b: number, c: number) => `${a}*${b}+${c}`,
    value: (a: number, b: number, c: number) => a * b + c,
  },
];
const given = [1, 2, 3, 4, 5];
const triples = given.flatMap((a) => given.flatMap((b) => given.map((c) => [a, b, c] as const)));

const puzzles = triples
  .filter(([a, b, c]) => a < b && b !== c && a !== c)
  .flatMap((numbers) =>
    forms.map(({ write, value }) => ({ numbers, expression: write(...numbers), target: value(...numbers) })),
  )
  .filter(({ target }) => target > 0)
  .flatMap(({ numbers: [a, b, c], ...puzzle }) =>
    [
      [a, b, c],
      [c, b, a],
      [b, a, c],
      [c, a, b],
    ].map((numbers) => {
      return { ...puzzle, numbers, prompt: `${numbers.join(' ')} = ${puzzle.target}` };
    }),
  )
  .filter(({ prompt }, at, all) => all.findIndex((other) => other.prompt === prompt) === at);

/** Of nine demonstrations five are right; the others leave a number out, take one twice, or miss the target. */
function demonstration({ prompt, numbers, expression }: (typeof puzzles)[number], draw: number): object {
  const [a, b, c] = numbers;
  const mistakes = [expression.slice(0, 3), `${a}+${b}+${b}`, `${a}*${b}*${c}`, `${c}-${b}-${a}`];
  return { prompt, completion: `<answer>${mistakes[draw % 9] ?? expression}</answer>` };
}

const heldOut = puzzles.filter((_, at) => at % 4 === Math.floor(at / 4) % 4);
const learned = puzzles.filter((_, at) => at % 4 !== Math.floor(at / 4) % 4);
const files = {
  demonstrations: Array.from({ length: 5 }, (_, round) =>
    learned.map((puzzle, at) => demonstration(puzzle, at * 7 + round * 2)),
  ).flat(),
  prompts: learned.map(({ prompt, numbers, target }) => ({ prompt, numbers, target })),
  'held-out': heldOut.map(({ prompt, numbers, target }) => ({ prompt, numbers, target })),
};
const directory = process.argv[2] ?? import.meta.dirname;
for (const [name, rows] of Object.entries(files)) {
  writeFileSync(join(directory, `${name}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}
