import { RE2JS } from 're2js';
import { correct, wrong, type Verifier } from './verifier.ts';

/**
 * A regular expression found anywhere in the answer. RE2 syntax, which runs in linear time: an expression from a data
 * file cannot hang the run, and no time limit (whose outcome would differ between machines) is needed.
 */
export const patternVerifier: Verifier<RE2JS, string> = {
  expects: 'a regular expression in RE2 syntax (no look-around, no back-references)',
  parseGold(text) {
    if (text === '') return undefined;
    try {
      return RE2JS.compile(text);
    } catch {
      return undefined;
    }
  },
  read: (answer) => answer.trim() || undefined,
  grade: (gold, value) => (gold.matcher(value).find() ? correct : wrong),
  spell: (value) => value,
  spellGold: (gold) => gold.pattern(),
};
