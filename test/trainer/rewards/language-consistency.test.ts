import { expect, test } from '@jest/globals';
import { generatorSettings, languages } from '../../../trainer/contract/dataset.ts';
import { additionWords, workedAddition, writeCheck } from '../../../trainer/data/generators/addition.ts';
import { facts } from '../../../trainer/data/generators/facts-table.ts';
import { factThought } from '../../../trainer/data/generators/facts.ts';
import { generateRows } from '../../../trainer/data/generators/generate.ts';
import { languageConsistency } from '../../../trainer/rewards/language-consistency.ts';

test.each([
  { text: '<think>ones 7+8=15 tens 4+3+1=8</think><answer>85</answer>', en: 1, de: 0 },
  { text: '<think>Einer 7+8=15 Zehner 4+3+1=8</think><answer>85</answer>', en: 0, de: 1 },
  { text: '<think>ones 7+8=15 Zehner 4+3+1=8</think><answer>85</answer>', en: 0.5, de: 0.5 },
  { text: '<think>ones 7+8=15 Zehner 4+3+1=8 Probe: 85-38=47</think><answer>85</answer>', en: 1 / 3, de: 2 / 3 },
  { text: '<think>7+8=15</think><answer>fünfzehn</answer>', en: 1, de: 1 },
  { text: '<think>x = 3y + 2</think><answer>5</answer>', en: 1, de: 1 },
  { text: '<think>qrst vwxz</think><answer>85</answer>', en: 0, de: 0 },
  { text: '<think>first we add 二 numbers</think><answer>85</answer>', en: 0.8, de: 0 },
  { text: 'First we add the numbers of Ana, then we subtract.', en: 1, de: 0 },
  { text: 'Zuerst addieren wir die Zahlen, dann subtrahieren wir.', en: 0, de: 1 },
  { text: '<think>wir addieren', en: 0, de: 1 },
  { text: '', en: 1, de: 1 },
])('$text: English $en, German $de', ({ text, en, de }) => {
  expect(languageConsistency(text, 'en')).toBeCloseTo(en, 10);
  expect(languageConsistency(text, 'de')).toBeCloseTo(de, 10);
});

test.each([
  {
    language: 'en',
    text: 'Natalia sold clips to 48 of her friends in April, and then she sold half as many in May. How many is that altogether?',
  },
  {
    language: 'en',
    text: 'Let x be the length of the rectangle. Since the perimeter equals 20, solving for y yields y = 10 - x. Wait, check that.',
  },
  {
    language: 'de',
    text: 'Natalia hat im April 48 ihrer Freunde Klammern verkauft und im Mai halb so viele. Wie viele sind das insgesamt?',
  },
  {
    language: 'de',
    text: 'Sei x die Länge des Rechtecks. Da der Umfang gleich 20 ist, liefert Auflösen nach y die Fläche. Moment, ich prüfe das.',
  },
] as const)('running text is known by its function words, names and rare words aside: $text', ({ language, text }) => {
  expect(languageConsistency(text, language)).toBe(1);
  expect(languageConsistency(text, language === 'en' ? 'de' : 'en')).toBeLessThan(0.25);
});

test('every greeting is of its language, whatever the name', () => {
  const settings = generatorSettings.parse({ task: 'preferences', rows: 1000 });
  for (const { chosen = '', rejected = '', language } of generateRows('chat', settings, 7, 'train')) {
    for (const text of [chosen, rejected]) expect([text, languageConsistency(text, language)]).toEqual([text, 1]);
  }
});

test('without a language the best fit counts', () => {
  expect(languageConsistency('ones Zehner tens', undefined)).toBeCloseTo(2 / 3, 10);
});

test.each(languages)('every gold chain of thought in %s is of that language alone', (language) => {
  const other = language === 'en' ? 'de' : 'en';
  const thoughts = [
    ...additionWords[language].places,
    workedAddition(1234, 5678, language),
    writeCheck(85, 47, 38, language),
    ...facts[language].map(factThought),
  ];
  for (const thought of thoughts) {
    expect([thought, languageConsistency(`<think>${thought}</think>`, language)]).toEqual([thought, 1]);
    expect([thought, languageConsistency(`<think>${thought}</think>`, other)]).toEqual([thought, 0]);
  }
});
