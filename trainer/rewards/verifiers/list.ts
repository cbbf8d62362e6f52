import { lastBox } from '../answers/boxed.ts';
import { isSame, type Item, itemsOf, normalize, separated, spellings } from './items.ts';
import { matchItems } from './match-items.ts';
import { correct, wrong, type Verifier } from './verifier.ts';

/** An answer, held against its gold list. */
interface Found {
  /** Gold items that the answer has, by their first spelling, in the order of the gold list. */
  readonly matched: readonly string[];
  /** Items that the gold list has not. */
  readonly strange: readonly string[];
}

/**
 * A list in any order, `red, yellow, blue`; aliases are separated by a bar, `red|crimson, yellow`.
 *
 * All items score 1, some of them their share; what is in the gold list twice has to be named twice. One item that is not in
 * the list scores 0: a wrong extra never raises the score, and naming every possible item earns nothing. Items may repeat.
 */
export const listVerifier: Verifier<readonly Item[], Found> = {
  expects: 'items separated by commas, aliases by |',
  parseGold(text) {
    const items = separated(text).map(spellings);
    return items.length > 0 && items.every((item) => item.size > 0) ? items : undefined;
  },
  find: (text) => lastBox(text) ?? text,
  read(answer, language, gold) {
    const items = itemsOf(answer, language, gold);
    if (items.length === 0) return undefined;
    const fits = items.map((item) => gold.flatMap((aliases, index) => (isSame(item, aliases) ? [index] : [])));
    const strange = items.filter((_item, index) => fits[index]?.length === 0).map(normalize);
    const matched = matchItems(fits, gold.length).map((index) => [...(gold[index] ?? [])][0] ?? '');
    return { matched, strange };
  },
  grade(gold, { matched, strange }) {
    if (strange.length > 0 || matched.length === 0) return wrong;
    return matched.length === gold.length ? correct : { outcome: 'partial', score: matched.length / gold.length };
  },
  spell({ matched, strange }) {
    const others = strange.length === 0 ? '' : `not of the list: ${[...new Set(strange.toSorted())].join(', ')}`;
    return [matched.join(', '), others].filter((part) => part !== '').join('; ');
  },
  spellGold: (gold) => gold.map((item) => [...item].join('|')).join(', '),
};
