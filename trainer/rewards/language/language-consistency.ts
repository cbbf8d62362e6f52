import { type Language, languageScripts } from '../../contract/settings/languages.ts';
import { type Fit, type Identify, loadIdentifier, pointsOf } from './identify.ts';
import { proseOf } from './prose.ts';
import { type Segment, segmentsOf } from './segments.ts';

/**
 * By how much another language must fit better before a segment counts for it, in points of ELD over all n-grams. It is the
 * weight of what is known beforehand: a chain of thought is most likely in the language it is asked for. The figures behind it:
 * docs/decisions/0011-language-identification.md.
 */
const evidence = 50;

/** Random letters fit some language with up to 31 points, text of a language with 46 or more. */
const gibberish = 35;

/**
 * Words of the target language divided by all words of the chain of thought. Source: DeepSeek-R1, arXiv:2501.12948, §2.3.2,
 * which leaves open what a word is and how its language is known. Here:
 *
 * - code, formulas, numbers, single letters, names and quotations of the prompt are no words;
 * - words are judged in the segments they stand in: runs without punctuation or formulas between them;
 * - a segment in a script that the language is not written in is in another language, one that an identifier of languages
 *   finds to fit another language much better, too;
 * - segments that fit another language a little better are judged together, as are several words of a short text;
 * - words that fit no language are not counted. No words at all score 1, as nothing is in a wrong language; words of which
 *   none fits any language score 0, so that gibberish does not pay.
 *
 * @param thought chain of thought, or the whole text where there is none
 * @param language of the prompt; without one the text is held against the language it fits best
 * @param prompt text of the prompt, whose quotations count for no language
 * @returns 0 … 1
 */
export async function languageConsistency(
  thought: string,
  language: Language | undefined,
  prompt?: string,
): Promise<number> {
  const segments = segmentsOf(proseOf(thought, prompt), prompt);
  if (segments.length === 0) return 1;
  const identify = await loadIdentifier();
  const judged = segments.map((segment) => ({ ...segment, fit: identify(segment.text) }));
  if (language !== undefined) return share(judged, language, identify);
  const candidates = new Set(judged.map(({ fit }) => fit.best));
  return Math.max(0, ...[...candidates].map((candidate) => (candidate ? share(judged, candidate, identify) : 0)));
}

interface Judged extends Segment {
  readonly fit: Fit;
}

function share(segments: readonly Judged[], language: Language, identify: Identify): number {
  let [inLanguage, known] = [0, 0];
  const undecided: Judged[] = [];
  for (const segment of segments) {
    const verdict = belongs(segment, language);
    if (verdict === 'unknown') continue;
    known += segment.words;
    if (verdict === 'yes') inLanguage += segment.words;
    if (verdict === 'undecided') undecided.push(segment);
  }
  if (undecided.length > 0) {
    const text = undecided.map((segment) => segment.text).join(' ');
    const together = { ...(undecided[0] as Judged), text, fit: identify(text) };
    if (belongs(together, language) !== 'no') inLanguage += undecided.reduce((sum, { words }) => sum + words, 0);
  }
  return known === 0 ? 0 : inLanguage / known;
}

function belongs({ text, script, fit }: Judged, language: Language): 'yes' | 'no' | 'undecided' | 'unknown' {
  const writtenIn: readonly string[] = languageScripts[language];
  if (!writtenIn.includes(script)) return 'no';
  if (script === 'Kana' || onlyLanguageOf(script)) return 'yes';
  const most = fit.best === undefined ? 0 : pointsOf(fit, fit.best);
  // Han without a known n-gram may still be either language that is written in it.
  if (most < gibberish) return script === 'Han' ? 'yes' : 'unknown';
  const behind = (most - pointsOf(fit, language)) * ngramsIn(text);
  if (behind === 0) return 'yes';
  return behind > evidence ? 'no' : 'undecided';
}

function onlyLanguageOf(script: Segment['script']): boolean {
  return Object.values(languageScripts).filter((scripts) => scripts.some((one) => one === script)).length === 1;
}

/** N-grams that ELD cuts a text into: four bytes every three, in each word. */
function ngramsIn(text: string): number {
  return text.split(' ').reduce((sum, word) => sum + 1 + Math.max(0, Math.ceil((Buffer.byteLength(word) - 4) / 3)), 0);
}
