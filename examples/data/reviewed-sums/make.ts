// Writes the two files beside it:   npx node examples/data/reviewed-sums/make.ts [DIRECTORY]
// Worked sums as people write them down, every answer right. In some the carry is missing in the working, a sixth has no working
// worth reading; no rule sees either. The other file is what a person decided on them, as r1 review --import takes it.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Numbers between 0 and 1 that are the same each time (Numerical Recipes). */
let state = 7;
const draw = (): number => (state = (state * 1_664_525 + 1_013_904_223) % 0x1_0000_0000) / 0x1_0000_0000;

const sums = Array.from({ length: 60 }, () => {
  const [a, b] = [15 + Math.floor(draw() * 80), 15 + Math.floor(draw() * 80)];
  return {
    a,
    b,
    carry: Math.floor(((a % 10) + (b % 10)) / 10),
    tens: [Math.floor(a / 10), Math.floor(b / 10)] as const,
  };
});
type Sum = (typeof sums)[number];

function worked({ a, b, carry, tens: [tensA, tensB] }: Sum): string {
  const ones = `ones ${a % 10}+${b % 10}=${(a % 10) + (b % 10)}`;
  return answered({ a, b }, `${ones} tens ${tensA}+${tensB}${carry > 0 ? `+${carry}` : ''}=${tensA + tensB + carry}`);
}

function withoutCarry({ a, b, tens: [tensA, tensB] }: Sum): string {
  return answered(
    { a, b },
    `ones ${a % 10}+${b % 10}=${(a + b) % 10} tens ${tensA}+${tensB}=${Math.floor((a + b) / 10)}`,
  );
}

function answered({ a, b }: Pick<Sum, 'a' | 'b'>, thought: string): string {
  return `<think>${thought}</think><answer>${a + b}</answer>`;
}

const rows = sums.map((sum, at) => {
  const lacksCarry = sum.carry > 0 && at % 3 === 0;
  const unworked = at % 6 === 5;
  const written = unworked ? answered(sum, 'that one is easy') : lacksCarry ? withoutCarry(sum) : worked(sum);
  const { a, b } = sum;
  const row = { prompt: `Add ${a}+${b}.`, completion: written, answer: String(a + b), language: 'en' };
  if (unworked) return { row, made: { decision: 'reject', comment: 'shows no working' } };
  if (!lacksCarry) return { row, made: { decision: 'accept' } };
  return { row, made: { decision: 'edit', completion: worked(sum), comment: 'the carry was missing' } };
});

const files = {
  demonstrations: rows.map(({ row }) => row),
  decisions: rows.map(({ made }, at) => ({ id: `demonstrations/${at + 1}/0`, ...made, reviewer: 'Ada' })),
};
const directory = process.argv[2] ?? import.meta.dirname;
for (const [name, lines] of Object.entries(files)) {
  writeFileSync(join(directory, `${name}.jsonl`), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}
