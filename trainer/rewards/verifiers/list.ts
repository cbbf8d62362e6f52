import { correct, wrong, type Verifier } from './verifier.ts';

/**
 * A list in any order, `red, yellow, blue`; aliases are separated by a bar, `red|crimson, yellow`.
 *
 * All items score 1, some of them their share. One item that is not in the list scores 0: a wrong extra never raises the
 * score, and naming every possible item earns nothing. Items may repeat.
 */
export const listVerifier: Verifier<readonly ReadonlySet<string>[]> = {
  expects: 'items separated by commas, aliases by |',
  parseGold(text) {
    const items = splitItems(text).map((item) => new Set(item.split('|').map(normalize).filter(Boolean)));
    return items.length > 0 && items.every((aliases) => aliases.size > 0) ? items : undefined;
  },
  grade(gold, answer) {
    const found = new Set<ReadonlySet<string>>();
    for (const item of splitItems(answer)) {
      const match = gold.find((aliases) => aliases.has(item));
      if (match === undefined) return wrong;
      found.add(match);
    }
    if (found.size === 0) return wrong;
    return found.size === gold.length ? correct : { outcome: 'partial', score: found.size / gold.length };
  },
  canonical: (answer) => [...new Set(splitItems(answer))].toSorted().join(', ') || undefined,
};

/** Items between commas, semicolons, line ends and a last "and" or "und". */
function splitItems(text: string): string[] {
  return text
    .replace(/\.\s*$/, '')
    .split(/[,;\n]|\s(?:and|und)\s/)
    .map((item) => normalize(item.replace(/^\s*(?:and|und)\s/, '')))
    .filter(Boolean);
}

function normalize(text: string): string {
  return text.normalize('NFC').toLowerCase().trim().replaceAll(/\s+/g, ' ');
}
