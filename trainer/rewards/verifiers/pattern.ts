import { RE2JS } from 're2js';
import { patternSize } from './pattern-size.ts';
import { correct, wrong, type Verifier } from './verifier.ts';

/** RE2 compiles one of this size in a fifth of a second; a hundred times as large it takes minutes and gigabytes. */
const mostSize = 20_000;

/**
 * A regular expression found anywhere in the answer. RE2 syntax, which runs in time linear in the text and in the size of the expression: with a
 * bound of the size one from a data file cannot hang the run, on any machine.
 */
export const patternVerifier: Verifier<RE2JS, string> = {
  expects: `a regular expression in RE2 syntax (no look-around, no back-references) of at most ${mostSize} signs with its repetitions written out`,
  parseGold(text) {
    if (text === '') return undefined;
    try {
      return compilePattern(text);
    } catch {
      return undefined;
    }
  },
  read: (answer) => answer.trim() || undefined,
  grade: (gold, value) => (gold.matcher(value).find() ? correct : wrong),
  spell: (value) => value,
  spellGold: (gold) => gold.pattern(),
};

/** @throws Error if it is none, or larger than is compiled */
export function compilePattern(text: string): RE2JS {
  if (patternSize(text) > mostSize) throw new Error(`a regular expression of more than ${mostSize} signs`);
  return RE2JS.compile(text);
}
