import { expect, test } from '@jest/globals';
import { generatorLanguages, generatorSettings, type Row } from '../../../../trainer/contract/settings/dataset.ts';
import { sample } from '../../../../trainer/contract/settings/settings.ts';
import { additionWords, workedAddition, writeCheck } from '../../../../trainer/data/generators/addition.ts';
import { facts } from '../../../../trainer/data/generators/facts-table.ts';
import { factThought } from '../../../../trainer/data/generators/facts.ts';
import { generateRows } from '../../../../trainer/data/generators/generate.ts';
import { languageConsistency } from '../../../../trainer/rewards/language/language-consistency.ts';
import { promptText } from '../../../../trainer/rewards/responses/prompt-text.ts';
import { examineOne } from '../../../support/examine.ts';

test.each([
  { text: 'ones 7+8=15 tens 4+3+1=8', en: 1, de: 0 },
  { text: 'Einer 7+8=15 Zehner 4+3+1=8', en: 0, de: 1 },
  { text: 'ones 7+8=15 Zehner 4+3+1=8', en: 0.5, de: 0.5 },
  { text: 'Einer 7+8=15 tens 4+3+1=8', en: 0.5, de: 0.5 },
  { text: 'ones 7+8=15 Zehner 4+3+1=8 Probe: 85-38=47', en: 1 / 3, de: 2 / 3 },
  { text: '7+8=15', en: 1, de: 1 },
  { text: 'x = 3y + 2, sin(x) = \\frac{1}{2}, n-k', en: 1, de: 1 },
  { text: '```\nfor word in words: print(word)\n``` `return value` $x \\text{ is even}$', en: 1, de: 1 },
  { text: 'qrst vwxz', en: 0, de: 0 },
  { text: 'first we add 二 numbers', en: 0.8, de: 0 },
  { text: 'First we add the numbers of Ana, then we subtract.', en: 1, de: 0 },
  { text: 'Zuerst addieren wir die Zahlen, dann subtrahieren wir.', en: 0, de: 1 },
  { text: 'wir addieren', en: 0, de: 1 },
  { text: '', en: 1, de: 1 },
])('$text: English $en, German $de', async ({ text, en, de }) => {
  expect(await languageConsistency(text, 'en')).toBeCloseTo(en, 10);
  expect(await languageConsistency(text, 'de')).toBeCloseTo(de, 10);
});

/** DeepSeek-R1, arXiv:2501.12948, table 3. */
const ahaMoment = `To solve the equation √(a − √(a + x)) = x, let's start by squaring both sides ⋯
$\\left(\\sqrt{a-\\sqrt{a+x}}\\right)^2 = x^2 \\implies a - \\sqrt{a+x} = x^2.$
Rearrange to isolate the inner square root term:
$(a-x^2)^2 = a + x \\implies a^2 - 2ax^2 + (x^2)^2 = a + x \\implies x^4 - 2ax^2 - x + (a^2 - a) = 0$
⋯
Wait, wait. Wait. That's an aha moment I can flag here.
Let's reevaluate this step-by-step to identify if the correct sum can be ⋯
We started with the equation:
$\\sqrt{a-\\sqrt{a+x}} = x$
First, let's square both sides:
$a - \\sqrt{a+x} = x^2 \\implies \\sqrt{a+x} = a - x^2$
Next, I could square both sides again, treating the equation: ⋯`;

const prompt =
  'Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. ' +
  'How many clips did Natalia sell altogether in April and May?';

const chains = {
  en: `Okay, so Natalia sold 48 clips in April. In May she sold half as many, so that is 24.
Wait, let me check that again. 48 / 2 = 24. Yes. So in total she sold 48 + 24 = 72 clips.`,
  de: `Okay, die Frage lautet: "How many clips did Natalia sell altogether in April and May?" Im April waren es 48.
Im Mai hat sie halb so viele verkauft, also 24. Zusammen sind das 48 + 24 = 72. Moment, ich prüfe das noch einmal. Ja, das stimmt.`,
  fr: `D'accord, essayons de résoudre ce problème. Natalia a vendu 48 clips en avril. En mai, elle en a vendu la moitié, donc 24.
Au total, cela fait 48 + 24 = 72. Attendez, je vérifie encore une fois. Oui, c'est correct.`,
  es: `Bien, Natalia vendió 48 clips en abril. En mayo vendió la mitad, es decir, 24. Espera, voy a comprobarlo otra vez.
Sí, entonces en total vendió 48 + 24 = 72.`,
  zh: `好的,娜塔莉亚四月卖了48个夹子。五月她卖了一半,也就是24个。等等,让我再检查一遍。所以总共是48 + 24 = 72个。`,
  ru: `Хорошо, в апреле Наталья продала 48 заколок. В мае она продала в два раза меньше, то есть 24. Подожди, я проверю ещё раз. Всего 72.`,
} as const;
const known = ['en', 'de', 'fr', 'es', 'zh', 'ru'] as const;

test.each(known.flatMap((of) => known.map((as) => ({ of, as }))))(
  'a chain of thought in $of, held against $as',
  async ({ of, as }) => {
    const consistency = await languageConsistency(chains[of], as, prompt);
    if (of === as) expect(consistency).toBeGreaterThanOrEqual(0.95);
    else expect(consistency).toBeLessThan(0.1);
  },
);

test("R1's published chain of thought is English", async () => {
  expect(await languageConsistency(ahaMoment, 'en')).toBe(1);
  expect(await languageConsistency(ahaMoment, undefined)).toBe(1);
  expect(await languageConsistency(ahaMoment, 'de')).toBe(0);
});

test.each([
  { name: "R1's published chain", language: 'en', thought: ahaMoment, kept: true },
  { name: 'a German chain that quotes an English prompt', language: 'de', thought: chains.de, kept: true },
  { name: 'a French chain', language: 'en', thought: chains.fr, kept: false },
  {
    name: 'a chain that turns to another language',
    language: 'en',
    thought: `${chains.en}\n${chains.es}`,
    kept: false,
  },
] as const)('rejection sampling with its defaults: $name is kept: $kept', async ({ language, thought, kept }) => {
  const row: Row = {
    id: 'a/1',
    dataset: 'a',
    domain: 'reasoning',
    language,
    messages: [{ role: 'user', content: prompt }],
  };
  const text = `<think>${thought}</think><answer>72</answer>`;
  const { minLanguageConsistency } = sample.parse({ prompts: ['a'] });
  const { passes } = await examineOne(row, { text, opening: '', tokens: 99, terminated: true }, minLanguageConsistency);
  expect(passes).toMatchObject({ readable: true, oneLanguage: kept });
});

test('a quotation counts for no language only if the prompt has it', async () => {
  expect(await languageConsistency(chains.de, 'de', prompt)).toBe(1);
  expect(await languageConsistency(chains.de, 'de')).toBeLessThan(0.9);
});

test('a change of language counts by the words behind it', async () => {
  const mixed = `${chains.fr} Then in May she sold half as many clips, so we add the two numbers to get the total.`;
  const french = await languageConsistency(mixed, 'fr', prompt);
  expect(french).toBeGreaterThan(0.5);
  expect(french).toBeLessThan(0.8);
  expect(await languageConsistency(mixed, 'en', prompt)).toBeCloseTo(1 - french, 10);
});

test('without a language the best fit counts', async () => {
  expect(await languageConsistency('ones 1+1 Zehner 2+2 hundreds', undefined)).toBeCloseTo(2 / 3, 10);
  expect(await languageConsistency(chains.fr, undefined)).toBeGreaterThan(0.95);
});

test('every greeting is of its language, whatever the name', async () => {
  const settings = generatorSettings.parse({ task: 'preferences', rows: 1000 });
  for (const row of generateRows('chat', settings, 7, 'train')) {
    for (const text of [row.chosen ?? '', row.rejected ?? '']) {
      expect([text, await languageConsistency(text, row.language, promptText(row))]).toEqual([text, 1]);
    }
  }
});

/** Too little text to tell: "tastes" alone looks Catalan to the identifier. */
const untold = ['tastes'];

test.each(generatorLanguages)('every gold chain of thought in %s is of that language alone', async (language) => {
  const other = language === 'en' ? 'de' : 'en';
  const thoughts = [
    ...additionWords[language].places,
    workedAddition(1234, 5678, language),
    writeCheck(85, 47, 38, language),
    ...facts[language].filter(({ noun }) => !untold.includes(noun)).map(factThought),
  ];
  for (const thought of thoughts) {
    expect([thought, await languageConsistency(thought, language)]).toEqual([thought, 1]);
    expect([thought, await languageConsistency(thought, other)]).toEqual([thought, 0]);
  }
});

test('hostile texts take time in proportion to their length', async () => {
  for (const piece of ['$', '$a', '`', '\\[', '\\(', '\\begin{a}', 'a@', "a'", 'a-', 'a.', '\\a{']) {
    expect(await languageConsistency(piece.repeat(20_000), 'en')).toBeGreaterThanOrEqual(0);
  }
});
