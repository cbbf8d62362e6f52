/**
 * What is left of a text once everything that is in no language is cut out: code, formulas, addresses, and what repeats the
 * prompt. Each cut is a line break, so that what stood on its two sides is not read as one phrase.
 *
 * @param prompt text of the prompt; runs of at least four of its words are quotations
 */
export function proseOf(text: string, prompt = ''): string {
  const plain = noLanguage.reduce((rest, pattern) => rest.replace(pattern, '\n'), text.normalize('NFC'));
  return prompt === '' ? plain : withoutQuotations(plain, prompt.normalize('NFC'));
}

/** In this order: a fence may hold dollars, and a formula backticks. Every pattern is bounded or linear. */
const noLanguage: readonly RegExp[] = [
  /```[^]*?(?:```|$)/g,
  /`[^`\n]{1,400}`/g,
  /\$\$[^$]{1,2000}\$\$/g,
  // A dollar that opens a formula touches it, and so does the one that closes it: $5 and $7 are prices.
  /\$(?![\s$])[^$\n]{0,400}?(?<![\s\\])\$(?!\d)/g,
  /\\\[[^]{0,2000}?\\\]/g,
  /\\\([^]{0,400}?\\\)/g,
  /\\begin\{(\w{1,20}\*?)\}[^]{0,2000}?\\end\{\1\}/g,
  /\\[A-Za-z]{1,30}\*?(?:\[[^\]\n]{0,100}\])?(?:\{[^{}\n]{0,400}\}){0,3}/g,
  /\bhttps?:\/\/\S+|\bwww\.\S+|\S{1,64}@[\w-]+\.[\w.-]+/g,
];

const quotedWords = 4;
const word = /[\p{L}\p{M}\p{N}'’]+/gu;

/** Cuts runs of the prompt's words, in its order, whatever stands between them. */
function withoutQuotations(text: string, prompt: string): string {
  const starts = new Set<string>();
  const promptWords = wordsIn(prompt).map(({ word: found }) => found);
  for (let at = 0; at + quotedWords <= promptWords.length; at++) starts.add(windowAt(promptWords, at));
  if (starts.size === 0) return text;

  const words = wordsIn(text);
  const texts = words.map(({ word: found }) => found);
  const pieces: string[] = [];
  let copied = 0;
  for (let at = 0; at + quotedWords <= words.length; at++) {
    if (!starts.has(windowAt(texts, at))) continue;
    const [first, last] = [words[at], words[at + quotedWords - 1]];
    if (first === undefined || last === undefined) continue;
    pieces.push(text.slice(copied, Math.max(copied, first.start)));
    copied = last.end;
  }
  return pieces.length === 0 ? text : [...pieces, text.slice(copied)].join('\n');
}

function windowAt(words: readonly string[], at: number): string {
  return words.slice(at, at + quotedWords).join(' ');
}

function wordsIn(text: string): { word: string; start: number; end: number }[] {
  return Array.from(text.matchAll(word), ({ 0: found, index }) => ({
    word: found.toLowerCase(),
    start: index,
    end: index + found.length,
  }));
}
