// Writes the three files beside it:   npx node examples/data/enterprise-knowledge/make.ts [DIRECTORY]
// A company's rules in five documents, three facts each. Every fact is asked for in four wordings; a quarter of the questions is held out.
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Fact {
  readonly about: string;
  readonly answer: string;
  readonly kind: 'exact' | 'number' | 'quantity';
}

const documents: Readonly<Record<string, readonly Fact[]>> = {
  travel: [
    { about: 'the hotel limit in euros', answer: '140', kind: 'number' },
    { about: 'the class of long flights', answer: 'premium', kind: 'exact' },
    { about: 'the notice for trips', answer: '10 d', kind: 'quantity' },
  ],
  purchasing: [
    { about: 'the number of offers', answer: '3', kind: 'number' },
    { about: 'who signs orders', answer: 'finance', kind: 'exact' },
    { about: 'the time to pay', answer: '30 d', kind: 'quantity' },
  ],
  security: [
    { about: 'the letters of a password', answer: '14', kind: 'number' },
    { about: 'the colour of guest badges', answer: 'orange', kind: 'exact' },
    { about: 'the time until a screen locks', answer: '5 min', kind: 'quantity' },
  ],
  leave: [
    { about: 'the days of holiday', answer: '28', kind: 'number' },
    { about: 'who grants holidays', answer: 'team lead', kind: 'exact' },
    { about: 'the time to report illness', answer: '2 h', kind: 'quantity' },
  ],
  laboratory: [
    { about: 'the people at the furnace', answer: '2', kind: 'number' },
    { about: 'the gloves at the bench', answer: 'nitrile', kind: 'exact' },
    { about: 'the temperature of the store', answer: '4 °C ± 2 K', kind: 'quantity' },
  ],
};
const wordings = ['What is [FACT]?', 'Tell me [FACT].', 'I look for [FACT].', '[FACT], please?'];

/** A document as people would read it. Its digest is in the corpus of every question, so that what was cited is one certain text. */
function textOf(facts: readonly Fact[]): string {
  return facts.map(({ about, answer }) => `${about}: ${answer}\n`).join('');
}

function digestOf(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}

const corpus = Object.fromEntries(Object.entries(documents).map(([name, facts]) => [name, digestOf(textOf(facts))]));
const names = Object.keys(documents);
const questions = Object.entries(documents).flatMap(([document, facts]) =>
  facts.flatMap((fact) =>
    wordings.map((wording) => ({ prompt: wording.replace('[FACT]', fact.about), document, fact })),
  ),
);
type Question = (typeof questions)[number];

function withAnswer({ prompt, document, fact: { answer, kind } }: Question): object {
  return { prompt, answer: { answer, kind, citations: [document], corpus } };
}

/** Of seven demonstrations three cite the right document; the others cite none, another, one that is not there, or get the fact wrong. */
function demonstration({ prompt, document, fact }: Question, draw: number): object {
  const [said = ''] = fact.answer.split(' ±');
  const other = names[(names.indexOf(document) + 1 + (draw % 4)) % names.length];
  const mistakes = [said, `${said} [${other}]`, `${said} [handbook]`, `${draw} [${document}]`];
  return { prompt, completion: `<answer>${mistakes[draw % 7] ?? `${said} [${document}]`}</answer>` };
}

const isHeldOut = (_: Question, at: number): boolean => (at + Math.floor(at / 4)) % 4 === 0;
const learned = questions.filter((question, at) => !isHeldOut(question, at));
const files = {
  demonstrations: Array.from({ length: 14 }, (_, round) =>
    learned.map((question, at) => demonstration(question, at * 3 + round)),
  ).flat(),
  prompts: learned.map(withAnswer),
  'held-out': questions.filter(isHeldOut).map(withAnswer),
};
const directory = process.argv[2] ?? import.meta.dirname;
for (const [name, rows] of Object.entries(files)) {
  writeFileSync(join(directory, `${name}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}
