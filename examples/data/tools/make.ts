// Writes the three files beside it:   npx node examples/data/tools/make.ts [DIRECTORY]
// Products of two numbers of two digits, a calculator that works them out, and demonstrations of which more than half do not use it well.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Numbers between 0 and 1 that are the same each time (Numerical Recipes). */
let state = 7;
const draw = (): number => (state = (state * 1_664_525 + 1_013_904_223) % 0x1_0000_0000) / 0x1_0000_0000;
const below = (bound: number): number => Math.floor(draw() * bound);

const problems = Array.from({ length: 90 }, (_, a) => Array.from({ length: 90 }, (__, b) => [a + 10, b + 10] as const))
  .flat()
  .map((problem) => ({ problem, place: draw() }))
  .toSorted((one, other) => one.place - other.place)
  .map(({ problem: [a, b] }) => ({ expression: `${a}*${b}`, product: a * b }));

/** Of ten demonstrations four guess, wrongly, two call with half of the expression, are told so and guess, and four call and answer right. */
function demonstration({ expression, product }: (typeof problems)[number], at: number): object {
  const question = { role: 'user', content: `${expression}=` };
  const guess = { role: 'assistant', content: `<answer>${100 + below(9000)}</answer>` };
  if (at % 5 < 2) return { messages: [question, guess] };
  const half = at % 5 === 2 ? expression.slice(0, 3) : undefined;
  const call = { name: 'calculator', arguments: { expression: half ?? expression } };
  const result = half === undefined ? product : `Error: cannot read the expression ${half}`;
  return {
    messages: [
      question,
      { role: 'assistant', content: `<tool_call>${JSON.stringify(call)}</tool_call>` },
      { role: 'user', content: `<tool_response>\n${result}\n</tool_response>` },
      half === undefined ? { role: 'assistant', content: `<answer>${product}</answer>` } : guess,
    ],
  };
}

const asRow = ({ expression, product }: (typeof problems)[number]) => ({
  prompt: `${expression}=`,
  answer: String(product),
});
const files = {
  demonstrations: problems.slice(0, 1000).map(demonstration),
  prompts: problems.slice(1000, 1400).map(asRow),
  'held-out': problems.slice(1400, 1500).map(asRow),
};
const directory = process.argv[2] ?? import.meta.dirname;
for (const [name, rows] of Object.entries(files)) {
  writeFileSync(join(directory, `${name}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}
