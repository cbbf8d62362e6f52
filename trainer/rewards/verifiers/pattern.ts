import { RE2JS } from 're2js';
import { correct, wrong, type Verifier } from './verifier.ts';

/**
 * A regular expression found anywhere in the answer. RE2 syntax, which runs in linear time: an expression from a data
 * file cannot hang the run, and no time limit (whose outcome would differ between machines) is needed.
 */
export const patternVerifier: Verifier<RE2JS> = {
  expects: 'a regular expression in RE2 syntax (no look-around, no back-references)',
  parseGold(text) {
    if (text === '') return undefined;
    try {
      return RE2JS.compile(text);
    } catch {
      return undefined;
    }
  },
  grade: (gold, answer) => (gold.matcher(answer).find() ? correct : wrong),
  canonical: (answer) => answer.trim() || undefined,
};
