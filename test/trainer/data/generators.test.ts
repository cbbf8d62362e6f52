import { expect, test } from '@jest/globals';
import {
  generatorSettings,
  type GeneratorSettings,
  type GeneratorLanguage,
  type Row,
} from '../../../trainer/contract/settings/dataset.ts';
import { UserError } from '../../../trainer/contract/process/errors.ts';
import { additionSteps, additionWords, spelledSum, workedAddition } from '../../../trainer/data/generators/addition.ts';
import { facts } from '../../../trainer/data/generators/facts-table.ts';
import { generateRows } from '../../../trainer/data/generators/generate.ts';
import { formatReward } from '../../../trainer/rewards/responses/format.ts';
import { languageConsistency } from '../../../trainer/rewards/language/language-consistency.ts';
import { parseResponse } from '../../../trainer/rewards/responses/parse-response.ts';
import { goldProblem, verify } from '../../../trainer/rewards/verify.ts';

type Side = 'train' | 'heldOut';

function rowsOf(
  settings: Partial<GeneratorSettings> & Pick<GeneratorSettings, 'task'>,
  side: Side = 'train',
  seed = 7,
): Row[] {
  return [...generateRows('data', generatorSettings.parse(settings), seed, side)];
}

const question = ({ messages }: Row) => messages[0]?.content as string;
const written = ({ completion }: Row) => completion as string;
const answerOf = (row: Row) => Number(/(\d+)(?:<\/answer>)?$/.exec(written(row))?.[1]);

function sumOf(row: Row): number {
  const operands = /(\d+)\+(\d+)/.exec(question(row).split('\n').at(-1) as string);
  return Number(operands?.[1]) + Number(operands?.[2]);
}

function share<T>(rows: readonly T[], holds: (row: T) => boolean): number {
  return rows.filter(holds).length / rows.length;
}

/** Length with the byte tokenizer: a tag is one token, and a start, an assistant and an end token are added. */
function byteTokens({ messages, completion }: Row): number {
  return Buffer.byteLength(`${messages[0]?.content}${completion}`.replaceAll(/<\/?(?:think|answer)>/g, '#')) + 3;
}

/** Unordered operand pairs of the questions and worked examples in a prompt. */
function pairsIn(prompt: string): string[] {
  return Array.from(prompt.matchAll(/(\d+)\+(\d+)\./g), ([, a, b]) =>
    [Number(a), Number(b)].toSorted((x, y) => x - y).join('+'),
  );
}

function wordsIn(language: GeneratorLanguage): string[] {
  const { places, check } = additionWords[language];
  return [...places, check, ...facts[language].map(({ noun }) => noun)];
}

function consistencyOf(row: Row): Promise<number> {
  return languageConsistency(parseResponse(written(row)).languageText, row.language);
}

const tasks = ['mixture', 'addition', 'facts', 'greetings', 'preferences', 'safety'] as const;

test.each(tasks)('%s is a function of settings and seed, with unique ids', (task) => {
  const rows = rowsOf({ task, rows: 300 });
  expect(rows).toHaveLength(300);
  expect(rowsOf({ task, rows: 300 })).toEqual(rows);
  expect(rowsOf({ task, rows: 100 })).toEqual(rows.slice(0, 100));
  expect(rowsOf({ task, rows: 300 }, 'train', 8)).not.toEqual(rows);
  expect(new Set(rows.map(({ id }) => id)).size).toBe(300);
  expect(rows.filter(({ answer }) => answer && goldProblem(answer) !== undefined)).toEqual([]);
});

test.each(['addition', 'facts', 'greetings', 'preferences', 'safety'] as const)(
  '%s asks no held-out question in training',
  (task) => {
    const trained = new Set(rowsOf({ task, rows: 5000 }).map(question));
    const heldOut = rowsOf({ task, heldOut: 40 }, 'heldOut').map(question);
    expect(new Set(heldOut).size).toBe(40);
    expect(heldOut.filter((text) => trained.has(text))).toEqual([]);
  },
);

test('held-out operand pairs appear in training in neither order nor language, nor in the mixture', () => {
  const trained = rowsOf({ task: 'addition', rows: 15_000 });
  const mixture = rowsOf({ task: 'mixture', rows: 5000, noise: 0.5, tagged: 0.5, languageMixing: 0.5 });
  const seen = new Set([...trained, ...mixture].flatMap((row) => pairsIn(question(row))));
  const heldOut = rowsOf({ task: 'addition', heldOut: 1000 }, 'heldOut').flatMap((row) => pairsIn(question(row)));
  expect(seen.size).toBeGreaterThan(4000);
  expect(heldOut).toHaveLength(1000);
  expect(heldOut.filter((pair) => seen.has(pair))).toEqual([]);
});

test('more held-out prompts than there are is an error that says so', () => {
  expect(() => rowsOf({ task: 'addition', digits: 1, heldOut: 100 }, 'heldOut')).toThrow(UserError);
  expect(() => rowsOf({ task: 'facts', heldOut: 100 }, 'heldOut')).toThrow(
    /found 44 different held-out prompts, expected 100/,
  );
});

test.each(['addition', 'facts', 'greetings'] as const)(
  'gold completions of %s are right, well-formed and in their language',
  async (task) => {
    const consistencies: number[] = [];
    for (const row of rowsOf({ task, rows: 500, digits: 3 })) {
      const completion = row.completion as string;
      expect([completion, verify(row, completion).score]).toEqual([completion, 1]);
      expect(formatReward(row, completion)).toBe(1);
      if (task !== 'greetings') consistencies.push(await consistencyOf(row));
    }
    // One noun of the facts says too little alone.
    if (task === 'facts') expect(share(consistencies, (one) => one === 1)).toBeGreaterThan(0.95);
    else expect(consistencies.filter((one) => one < 1)).toEqual([]);
  },
);

test('greetings have no chain of thought', () => {
  expect(rowsOf({ task: 'greetings' }).filter(({ completion }) => completion?.includes('<think>'))).toEqual([]);
});

test.each([
  { a: 47, b: 38, language: 'en', text: 'ones 7+8=15 tens 4+3+1=8' },
  { a: 47, b: 38, language: 'de', text: 'Einer 7+8=15 Zehner 4+3+1=8' },
  { a: 7, b: 85, language: 'en', text: 'ones 7+5=12 tens 0+8+1=9' },
  { a: 0, b: 0, language: 'en', text: 'ones 0+0=0' },
  { a: 99, b: 1, language: 'de', text: 'Einer 9+1=10 Zehner 9+0+1=10' },
] as const)('works out $a + $b: $text', ({ a, b, language, text }) => {
  expect(workedAddition(a, b, language)).toBe(text);
});

test('the columns of every sum spell it', () => {
  const wrong: string[] = [];
  for (let a = 0; a < 1000; a += 7) {
    for (let b = 0; b < 1000; b += 11) if (spelledSum(additionSteps(a, b)) !== a + b) wrong.push(`${a}+${b}`);
  }
  expect(wrong).toEqual([]);
});

test('no word of a chain of thought is in both languages', () => {
  expect(wordsIn('en').filter((word) => wordsIn('de').includes(word))).toEqual([]);
  expect(facts.en).toHaveLength(facts.de.length);
});

test('the mixture keeps its shares', async () => {
  const rows = rowsOf({ task: 'mixture', rows: 8000, noise: 0.4, tagged: 0.7, languageMixing: 0.3, preferred: 0.2 });
  const sums = rows.filter((row) => /\d\.(?: (?:Check|Mache).*)?$/.test(question(row)));
  expect(share(rows, (row) => sums.includes(row))).toBeCloseTo(0.7, 1);
  expect(share(rows, (row) => written(row).includes('<answer>'))).toBeCloseTo(0.7, 1);
  expect(share(sums, (row) => answerOf(row) !== sumOf(row))).toBeCloseTo(0.4, 1);
  // Two words of random language each agree with the prompt's in a quarter of the mixed rows.
  const consistencies = await Promise.all(sums.map(consistencyOf));
  expect(share(consistencies, (consistency) => consistency < 1)).toBeCloseTo(0.3 * 0.75, 1);
  const greetings = rows.filter(({ domain }) => domain === 'general');
  expect(share(greetings, (row) => parseResponse(written(row)).summary.endsWith('?'))).toBeCloseTo(0.2, 1);
  const asked = sums.filter((row) => /Check|Mache/.test(question(row)));
  expect(asked.length).toBeGreaterThan(300);
  expect(share(asked, (row) => /check|Probe/.test(written(row)))).toBe(1);
  const examples = rows.map((row) => question(row).split('\n').length - 1);
  expect(new Set(examples)).toEqual(new Set([0, 1, 2]));
  expect(examples.filter((count) => count > 0).length).toBeGreaterThan(200);
});

test.each([
  { languageMixing: 0, least: 0.98, most: 1 },
  { languageMixing: 1, least: 0.4, most: 0.6 },
])(
  'language consistency tells a mixture that mixes languages in $languageMixing of its chains',
  async ({ languageMixing, least, most }) => {
    const rows = rowsOf({ task: 'mixture', rows: 2000, languageMixing }).filter((row) => row.domain === 'reasoning');
    const consistencies = await Promise.all(rows.map(consistencyOf));
    const mean = consistencies.reduce((sum, consistency) => sum + consistency, 0) / rows.length;
    expect(mean).toBeGreaterThanOrEqual(least);
    expect(mean).toBeLessThanOrEqual(most);
  },
);

test('two-digit documents fit a context of 192 byte tokens', () => {
  expect(Math.max(...rowsOf({ task: 'mixture', rows: 8000, noise: 0.4 }).map(byteTokens))).toBeLessThanOrEqual(192);
});

test('preferred and plain answers have about the same length', () => {
  const rows = rowsOf({ task: 'preferences', rows: 2000 });
  const bytes = (pick: (row: Row) => string | undefined) =>
    rows.reduce((sum, row) => sum + Buffer.byteLength(pick(row) as string), 0) / rows.length;
  expect(Math.abs(bytes(({ chosen }) => chosen) - bytes(({ rejected }) => rejected))).toBeLessThan(1);
});
