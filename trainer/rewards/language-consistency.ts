import type { Language } from '../contract/dataset.ts';
import { parseResponse } from './parse-response.ts';
import { wordIsOf } from './words.ts';

/**
 * Words of the target language divided by all words of the chain of thought (of the whole text where there is no chain of
 * thought). Source: DeepSeek-R1, arXiv:2501.12948, §2.3.2, which leaves open what a word is. Here:
 *
 * - a word is a run of letters of at least two characters; digits, symbols, tags and single letters (variables) are none;
 * - words that cannot be told apart, such as names, are not counted;
 * - no words at all score 1, as nothing is in a wrong language; words of which none is known score 0, so that gibberish
 *   does not pay.
 *
 * @param language of the prompt; without one the completion is held against the language it fits best
 * @returns 0 … 1
 */
export function languageConsistency(text: string, language: Language | undefined): number {
  const words = wordsOf(parseResponse(text).languageText);
  if (language === undefined) return Math.max(share(words, 'en'), share(words, 'de'));
  return share(words, language);
}

function share(words: readonly string[], language: Language): number {
  if (words.length === 0) return 1;
  let [inLanguage, known] = [0, 0];
  for (const word of words) {
    const verdict = wordIsOf(language, word);
    if (verdict !== undefined) known++;
    if (verdict === true) inLanguage++;
  }
  return known === 0 ? 0 : inLanguage / known;
}

/** Lower-case words; Han, Kana and Thai letters, written without spaces, are one word a run. */
function wordsOf(text: string): string[] {
  const runs =
    text
      .normalize('NFC')
      .toLowerCase()
      .match(/\p{L}[\p{L}\p{M}'’-]*/gu) ?? [];
  return runs.filter((run) => run.length > 1 || /[^\p{Script=Latin}\p{Script=Greek}]/u.test(run));
}
