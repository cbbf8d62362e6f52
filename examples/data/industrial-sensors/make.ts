// Writes the three files beside it:   npx node examples/data/industrial-sensors/make.ts [DIRECTORY]
// Transmitters send 4 to 20 mA for the whole of their range. Every reading is asked for in three wordings; a fifth of the questions is held out.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ranges = [
  { name: 'Pressure', perMilliampere: 1, unit: 'bar', elsewhere: 'V' },
  { name: 'Level', perMilliampere: 0.5, unit: 'm', elsewhere: 'kg' },
  { name: 'Flow', perMilliampere: 20, unit: 'l/min', elsewhere: 'm/s' },
  { name: 'Speed', perMilliampere: 100, unit: 'rpm', elsewhere: 'W' },
];
const wordings = [
  (what: string, current: number, span: string) => `${what}, 0 to ${span}: ${current} mA?`,
  (what: string, current: number, span: string) => `${current} mA of a 4 to 20 mA signal, ${span} at most. ${what}?`,
  (what: string, current: number, span: string) => `${what} gauge up to ${span} sends ${current} mA.`,
];

/** In the cold the data sheet allows more than in the warm, as data sheets do; the ambient temperature is known to whoever grades. */
function goldAnswer(value: number, unit: string, ambient: number): object {
  const tolerances = [{ when: { ambient: '-40 °C .. 0 °C' }, tolerance: '5 %' }, { tolerance: '2 %' }];
  return { value: `${value} ${unit}`, at: { ambient: `${ambient} °C` }, tolerances };
}

const questions = ranges.flatMap(({ name, perMilliampere, unit, elsewhere }) =>
  Array.from({ length: 16 }, (_, at) => at + 5).flatMap((current) =>
    wordings.map((wording, at) => {
      const value = (current - 4) * perMilliampere;
      const prompt = wording(name, current, `${16 * perMilliampere} ${unit}`);
      const answer = goldAnswer(value, unit, at === 0 ? -20 : 20);
      return { prompt, answer, current, value, unit, elsewhere, wrong: value + perMilliampere };
    }),
  ),
);
type Question = (typeof questions)[number];

/** Of nine demonstrations five are right; the others forget the unit, take another, or are one milliampere off. */
function demonstration({ prompt, current, value, unit, elsewhere, wrong }: Question, draw: number): object {
  const mistakes = [`${value}`, `${value} ${elsewhere}`, `${wrong} ${unit}`, `${wrong} ${unit}`];
  const said = mistakes[draw % 9] ?? `${value} ${unit}`;
  return { prompt, completion: `<think>${current}-4=${current - 4}</think><answer>${said}</answer>` };
}

const heldOut = questions.filter((_, at) => at % 5 === 2);
const learned = questions.filter((_, at) => at % 5 !== 2);
const files = {
  demonstrations: Array.from({ length: 5 }, (_, round) =>
    learned.map((question, at) => demonstration(question, at * 7 + round * 2)),
  ).flat(),
  prompts: learned.map(({ prompt, answer }) => ({ prompt, answer })),
  'held-out': heldOut.map(({ prompt, answer }) => ({ prompt, answer })),
};
const directory = process.argv[2] ?? import.meta.dirname;
for (const [name, rows] of Object.entries(files)) {
  writeFileSync(join(directory, `${name}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}
