import { lastBox } from '../answers/boxed.ts';
import { undress } from '../answers/undress.ts';
import { conjunctionsOf } from './conjunctions.ts';

/** Spellings of one item. */
export type Item = ReadonlySet<string>;

/** A gold item, or several of its spellings with bars between them, as the gold list has them. */
export function isSame(item: string, aliases: Item): boolean {
  const names = spellings(item);
  return names.size > 0 && [...names].every((name) => aliases.has(name));
}

/** Items of an answer. A conjunction separates them, too, unless it is part of a gold item: `salt and pepper`. */
export function itemsOf(answer: string, language: string | undefined, gold: readonly Item[]): string[] {
  const conjunction = conjunctionsOf(language);
  const isGold = (item: string) => gold.some((aliases) => isSame(item, aliases));
  return separated(answer).flatMap((item) => {
    if (isGold(item)) return [item];
    const later = item.replace(conjunction.first, '');
    return isGold(later) ? [later] : later.split(conjunction.between).filter((part) => normalize(part) !== '');
  });
}

/** Text between commas, semicolons and line ends, without brackets around the whole and marks of list items. */
export function separated(text: string): string[] {
  const bare = undress(lastBox(text) || text).replace(/^(?:\[([^]*)\]|\\\{([^]*)\\\})$/, '$1$2');
  return bare
    .split(/[,;\n،、，；]/)
    .map((item) => item.replace(/^\s*(?:[-*•]|\d{1,3}[.)])\s+/, ''))
    .filter((item) => normalize(item) !== '');
}

export function spellings(item: string): Item {
  return new Set(item.split('|').map(normalize).filter(Boolean));
}

export function normalize(text: string): string {
  return undress(text).normalize('NFC').toLowerCase().trim().replaceAll(/\s+/g, ' ');
}
