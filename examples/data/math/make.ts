// Writes the two files beside it:   npx node examples/data/math/make.ts [DIRECTORY]
// Word problems of two or three steps, in the manner of GSM8K and with none of its text. A quarter of them is held out.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Numbers {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

const problems: readonly { tell: (numbers: Numbers) => string; solve: (numbers: Numbers) => number }[] = [
  {
    tell: ({ a, b, c }) =>
      `A bakery fills ${a} trays with ${b} rolls each and sells ${c} of the rolls. How many are left?`,
    solve: ({ a, b, c }) => a * b - c,
  },
  {
    tell: ({ a, b, c }) =>
      `Mira has ${a} stamps. She buys ${b} sheets of ${c} stamps. How many stamps does she have now?`,
    solve: ({ a, b, c }) => a + b * c,
  },
  {
    tell: ({ a, b, c }) =>
      `A train has ${a} cars with ${b} seats each, and a second train has ${c} seats more than the first. How many seats have both?`,
    solve: ({ a, b, c }) => 2 * a * b + c,
  },
  {
    tell: ({ a, b, c }) =>
      `Tickets cost ${a} euros for adults and ${b} euros for children. What do 2 adults and ${c} children pay?`,
    solve: ({ a, b, c }) => 2 * a + b * c,
  },
  {
    tell: ({ a, b, c }) =>
      `Jonas reads ${a} pages on Monday, ${b} more on Tuesday than on Monday, and ${c} on Wednesday. How many are that?`,
    solve: ({ a, b, c }) => 2 * a + b + c,
  },
  {
    tell: ({ a, b, c }) =>
      `A tank holds ${a * b + c} litres. A pump takes out ${a} litres a minute for ${b} minutes. How many litres remain?`,
    solve: ({ c }) => c,
  },
];

const rows = Array.from({ length: 24 }, (_, round) => ({
  a: 4 + (round % 8),
  b: 3 + ((round * 5) % 7),
  c: 2 + ((round * 3) % 9),
})).flatMap((numbers) => problems.map(({ tell, solve }) => ({ prompt: tell(numbers), answer: solve(numbers) })));
const isHeldOut = (_: object, at: number): boolean => Math.floor(at / problems.length) % 4 === 3;
const files = { prompts: rows.filter((row, at) => !isHeldOut(row, at)), 'held-out': rows.filter(isHeldOut) };
const directory = process.argv[2] ?? import.meta.dirname;
for (const [name, written] of Object.entries(files)) {
  writeFileSync(join(directory, `${name}.jsonl`), written.map((row) => `${JSON.stringify(row)}\n`).join(''));
}
