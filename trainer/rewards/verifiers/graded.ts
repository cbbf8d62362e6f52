import { z } from 'zod';
import { lastBox } from '../answers/boxed.ts';
import { isSame, type Item, itemsOf, normalize, spellings } from './items.ts';
import { parseJson } from '../answers/structured-gold.ts';
import { correct, type Verifier, wrong } from './verifier.ts';

const gold = z.strictObject({
  correct: z.array(z.string()).min(1),
  partial: z.record(z.string(), z.number().gt(0).lt(1)).default({}),
  incorrect: z.array(z.string()).default([]),
});

interface GradedItem {
  readonly item: Item;
  readonly score: number;
}

interface Found {
  readonly names: readonly string[];
  readonly score: number;
}

/**
 * An answer that is looked up in lists of what is correct, partially correct with a score, and incorrect; spellings of one answer are separated by bars. Of several
 * answers the least score counts, so that naming more never raises it; what is in no list is wrong.
 */
export const gradedVerifier: Verifier<readonly GradedItem[], Found> = {
  expects:
    'an object {correct: [texts], partial: {text: score between 0 and 1}, incorrect: [texts]} in which no text stands twice, aliases with |',
  parseGold(text) {
    const lists = parseJson(gold, text);
    if (lists === undefined) return undefined;
    const graded = [
      ...lists.correct.map((each) => ({ item: spellings(each), score: 1 })),
      ...Object.entries(lists.partial).map(([each, score]) => ({ item: spellings(each), score })),
      ...lists.incorrect.map((each) => ({ item: spellings(each), score: 0 })),
    ];
    const names = graded.flatMap(({ item }) => [...item]);
    const isClear = new Set(names).size === names.length && graded.every(({ item }) => item.size > 0);
    return isClear ? graded : undefined;
  },
  find: (text) => lastBox(text) ?? text,
  read(answer, language, graded) {
    const items = itemsOf(
      answer,
      language,
      graded.map(({ item }) => item),
    );
    if (items.length === 0) return undefined;
    const scores = items.map((text) => graded.find(({ item }) => isSame(text, item))?.score ?? 0);
    return { names: items.map(normalize), score: scores.reduce((least, score) => Math.min(least, score), 1) };
  },
  grade: (_gold, { score }) => (score === 1 ? correct : score === 0 ? wrong : { outcome: 'partial', score }),
  spell: ({ names }) => [...new Set(names)].toSorted().join(', '),
  spellGold: (graded) =>
    graded
      .filter(({ score }) => score > 0)
      .map(({ item, score }) => `${[...item].join('|')}${score === 1 ? '' : ` (${score})`}`)
      .join(' or '),
};
