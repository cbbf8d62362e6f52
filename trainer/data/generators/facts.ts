import type { GeneratorSettings, GeneratorLanguage, Row } from '../../contract/settings/dataset.ts';
import { completionText } from './completion.ts';
import { facts, type Fact } from './facts-table.ts';
import { drawPrompts, heldOutVariant, type Side } from './side.ts';

/** Ways to ask; one of the four, chosen for each fact and language by the seed, is asked only in held-out rows. */
const templates: Record<GeneratorLanguage, readonly ((subject: string) => string)[]> = {
  en: [(s) => `List ${s}.`, (s) => `Name ${s}.`, (s) => `What are ${s}?`, (s) => `Tell me ${s}.`],
  de: [(s) => `Nenne ${s}.`, (s) => `Liste ${s} auf.`, (s) => `Sage mir ${s}.`, (s) => `Schreibe ${s} auf.`],
};

export interface FactPrompt {
  readonly fact: Fact;
  readonly text: string;
  readonly language: GeneratorLanguage;
}

/** Chain of thought of a fact, for example `3 colours`. */
export function factThought({ items, noun }: Fact): string {
  return `${items.length} ${noun}`;
}

/** Distinct questions of one side, in random order; training questions repeat once all were asked. */
export function factPrompts(
  { languages }: Pick<GeneratorSettings, 'languages'>,
  seed: number,
  side: Side,
  rows: number,
): Generator<FactPrompt> {
  const perLanguage = facts.en.length * templates.en.length;
  const size = perLanguage * languages.length;
  return drawPrompts({ task: 'facts', seed, side, rows, size }, (index) => {
    const language = languages[Math.floor(index / perLanguage)] as GeneratorLanguage;
    const fact = facts[language][Math.floor((index % perLanguage) / templates.en.length)] as Fact;
    const variant = index % templates.en.length;
    const heldOut = heldOutVariant(seed, fact.subject, language, templates.en.length) === variant;
    if (heldOut !== (side === 'heldOut')) return undefined;
    return { fact, language, text: templates[language][variant]?.(fact.subject) as string };
  });
}

/** Questions whose gold answer is a list; training rows also hold the gold completion. */
export function* factRows(dataset: string, settings: GeneratorSettings, seed: number, side: Side): Generator<Row> {
  let number = 0;
  for (const prompt of factPrompts(settings, seed, side, side === 'train' ? settings.rows : settings.heldOut)) {
    const { fact, language, text } = prompt;
    const list = fact.items.join(', ');
    yield {
      id: `${dataset}/${side}/${++number}`,
      dataset,
      domain: 'reasoning',
      language,
      messages: [{ role: 'user', content: text }],
      ...(side === 'train' && { completion: completionText(factThought(fact), list) }),
      answer: { kind: 'list', in: 'answerTag', gold: list },
    };
  }
}
