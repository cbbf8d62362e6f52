import { randomKey } from '../../algorithms/random.ts';
import type { GeneratorSettings, GeneratorLanguage, Row } from '../../contract/settings/dataset.ts';
import { drawsOf, type Draws } from '../order/draws.ts';
import { answerText } from './completion.ts';
import { drawPrompts, heldOutVariant, type Side } from './side.ts';

/** Names used in both languages. */
const names = (
  'Ada Ali Amir Ana Ben Carla Clara Dana David Elena Elif Emil Eva Felix Finn Hana Hugo Ida Ines Jana Jonas Karim ' +
  'Lara Lea Leo Lina Luis Maja Mara Max Mia Milan Nina Nora Omar Oskar Paula Rosa Sara Tom'
).split(' ');

const templates: Record<GeneratorLanguage, readonly ((name: string) => string)[]> = {
  en: [
    (n) => `Hi, I am ${n}.`,
    (n) => `Hello, my name is ${n}.`,
    (n) => `Good morning, I am ${n}.`,
    (n) => `Hello, this is ${n}.`,
  ],
  de: [
    (n) => `Hallo, ich bin ${n}.`,
    (n) => `Hallo, mein Name ist ${n}.`,
    (n) => `Guten Tag, ich bin ${n}.`,
    (n) => `Guten Tag, hier ist ${n}.`,
  ],
};

/** Preferred answers end by offering help; plain ones of about the same length do not, so that length tells nothing. */
export const greetingStyles: Record<
  GeneratorLanguage,
  Record<'preferred' | 'plain', readonly ((name: string) => string)[]>
> = {
  en: {
    preferred: [(n) => `Hello ${n}! How can I help?`, (n) => `Hi ${n}! What can I do for you?`],
    plain: [(n) => `Hello ${n}. It is a fine day.`, (n) => `Hi ${n}. Your name is noted.`],
  },
  de: {
    preferred: [(n) => `Hallo ${n}! Wie kann ich helfen?`, (n) => `Guten Tag ${n}! Was kann ich tun?`],
    plain: [(n) => `Hallo ${n}. Es ist ein Werktag.`, (n) => `Guten Tag ${n}. Das ist notiert.`],
  },
};

/** Gold of a greeting: an answer in the preferred style. */
const preferredPattern: Record<GeneratorLanguage, string> = {
  en: '(help|do for you)\\?$',
  de: '(helfen|tun)\\?$',
};

export interface GreetingPrompt {
  readonly name: string;
  readonly text: string;
  readonly language: GeneratorLanguage;
}

/** Distinct greetings of one side, in random order; training greetings repeat once all were used. */
export function greetingPrompts(
  { languages }: Pick<GeneratorSettings, 'languages'>,
  seed: number,
  side: Side,
  rows: number,
): Generator<GreetingPrompt> {
  const perLanguage = names.length * templates.en.length;
  const size = perLanguage * languages.length;
  return drawPrompts({ task: 'greetings', seed, side, rows, size }, (index) => {
    const language = languages[Math.floor(index / perLanguage)] as GeneratorLanguage;
    const name = names[Math.floor((index % perLanguage) / templates.en.length)] as string;
    const variant = index % templates.en.length;
    const heldOut = heldOutVariant(seed, name, language, templates.en.length) === variant;
    if (heldOut !== (side === 'heldOut')) return undefined;
    return { name, language, text: templates[language][variant]?.(name) as string };
  });
}

export function greetingAnswer({ name, language }: GreetingPrompt, style: 'preferred' | 'plain', draws: Draws): string {
  return draws.pick(greetingStyles[language][style])(name);
}

/** A row of which only the prompt is there. */
export function greetingRow(dataset: string, side: Side, number: number, { language, text }: GreetingPrompt): Row {
  return {
    id: `${dataset}/${side}/${number}`,
    dataset,
    domain: 'general',
    language,
    messages: [{ role: 'user', content: text }],
  };
}

/** Greetings: a question of style and not of truth, so general domain and no chain of thought. */
export function* greetingRows(dataset: string, settings: GeneratorSettings, seed: number, side: Side): Generator<Row> {
  const key = randomKey(seed, 'greetings', side, 'answers');
  let number = 0;
  for (const prompt of greetingPrompts(settings, seed, side, side === 'train' ? settings.rows : settings.heldOut)) {
    const answer = greetingAnswer(prompt, 'preferred', drawsOf(key, ++number));
    yield {
      ...greetingRow(dataset, side, number, prompt),
      ...(side === 'train' && { completion: answerText(answer) }),
      answer: { kind: 'pattern', in: 'answerTag', gold: preferredPattern[prompt.language] },
    };
  }
}

/** Pairs of a preferred and a plain answer to the same greeting, as a helpfulness model reads them: without tags. */
export function* preferenceRows(
  dataset: string,
  settings: GeneratorSettings,
  seed: number,
  side: Side,
): Generator<Row> {
  const key = randomKey(seed, 'preferences', side, 'answers');
  let number = 0;
  for (const prompt of greetingPrompts(settings, seed, side, side === 'train' ? settings.rows : settings.heldOut)) {
    const draws = drawsOf(key, ++number);
    yield {
      ...greetingRow(dataset, side, number, prompt),
      chosen: greetingAnswer(prompt, 'preferred', draws),
      rejected: greetingAnswer(prompt, 'plain', draws),
    };
  }
}
