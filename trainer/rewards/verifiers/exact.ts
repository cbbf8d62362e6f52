import { lastBox } from '../answers/boxed.ts';
import { undress } from '../answers/undress.ts';
import { correct, wrong, type Verifier } from './verifier.ts';

/**
 * The same text as the gold answer. Upper and lower case, accents, and punctuation and white space inside of it count;
 * not how long white space is, how Unicode composes its letters, and the dress of both: a box, emphasis, code and quotation
 * marks, formula delimiters, brackets around the whole, a full stop at the end, a bracket or colon behind a single letter.
 */
export const exactVerifier: Verifier<string, string> = {
  expects: 'some text',
  parseGold: plainText,
  find: (text) => lastBox(text) ?? text,
  read: plainText,
  grade: (gold, value) => (value === gold ? correct : wrong),
  spell: (value) => value,
  spellGold: (gold) => gold,
};

function plainText(text: string): string | undefined {
  const spaced = undress(lastBox(text) || text)
    .normalize('NFC')
    .trim()
    .replaceAll(/\s+/g, ' ');
  return spaced.replace(/^(\p{L}|\d)[):]$/u, '$1') || undefined;
}
