import { languageScripts, type Script } from '../../contract/settings/languages.ts';

/** A run of words in one script that nothing but blanks and numbers interrupts. */
export interface Segment {
  /** The words as they were spelled, with single blanks between them. */
  readonly text: string;
  readonly script: Script | 'other';
  /** Number of words; of a script without blanks between words, the number that so many letters usually make. */
  readonly words: number;
}

/** Longer runs are cut, so that a change of language inside a sentence is seen. */
const longest = 8;

/** Letters a word, in scripts that put no blanks between words. */
const lettersPerWord: Partial<Record<Segment['script'], number>> = { Han: 2, Kana: 2, Thai: 4, Lao: 4 };

/** Names of functions, which are the same in all languages. */
const functions = new Set(
  'arccos arcsin arctan cos cosh cot det exp gcd inf lcm lim ln log max min mod sin sinh sup tan tanh'.split(' '),
);

/** A word, with the bracket if it is called as a function, or a mark. */
const token = /([\p{L}\p{M}\p{N}_]+(?:['’-][\p{L}\p{M}\p{N}_]+)*)(\()?|[^\s\p{L}\p{M}\p{N}_]/gu;
/** Marks between phrases; any other, such as an operator, ends a segment of whatever length. */
const punctuation = /^[\p{Po}\p{Ps}\p{Pe}\p{Pi}\p{Pf}\p{Pd}]$/u;
/** A phrase of fewer words says too little alone and is joined with the next: "Yes, …", "Wait. …". */
const shortest = 3;

/** Japanese mixes these, and numbers stand in them without a blank. */
const eastern = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー]/u;
const easternRuns = new RegExp(`${eastern.source}+|[^${eastern.source.slice(1)}+`, 'gu');

/**
 * The segments of a prose text. Not counted as words: single letters, which are variables (in a script without blanks they
 * are words); names of functions; words with digits or with capitals inside; short words in capitals, such as ABC; and capitalised words of the prompt, which
 * mostly are names.
 */
export function segmentsOf(prose: string, prompt = ''): Segment[] {
  const names = new Set(prompt.normalize('NFC').match(/\p{Lu}[\p{L}\p{M}'’-]+/gu));
  const segments: Segment[] = [];
  let words: string[] = [];
  let script = 'other' as Segment['script'];
  const end = (): void => {
    if (words.length > 0) segments.push(segmentOf(words, script));
    words = [];
  };
  for (const line of prose.split('\n')) {
    for (const [mark, word, call] of line.matchAll(token)) {
      if (call !== undefined || (word === undefined && !(punctuation.test(mark) && words.length < shortest))) end();
      if (word === undefined || call !== undefined || names.has(word)) continue;
      for (const run of eastern.test(word) ? (word.match(easternRuns) ?? []) : [word]) {
        if (!isWord(run)) continue;
        const next = scriptOf(run);
        if (words.length >= longest || !mayMix(next, script)) end();
        script = words.length > 0 && script === 'Kana' ? 'Kana' : next;
        words.push(run);
      }
    }
    end();
  }
  return segments;
}

function isWord(text: string): boolean {
  if (/[\p{N}_]|\p{Ll}\p{Lu}|^\p{Lu}{2,4}$/u.test(text) || functions.has(text)) return false;
  return /\p{L}\p{M}*\p{L}/u.test(text) || lettersPerWord[scriptOf(text)] !== undefined;
}

function mayMix(a: Segment['script'], b: Segment['script']): boolean {
  return a === b || [a, b].every((script) => script === 'Han' || script === 'Kana');
}

function segmentOf(words: readonly string[], script: Segment['script']): Segment {
  const text = words.join(' ');
  const perWord = lettersPerWord[script];
  const count = perWord === undefined ? words.length : Math.ceil(words.join('').length / perWord);
  return { text, script, words: count };
}

const kana = /[\p{Script=Hiragana}\p{Script=Katakana}]/u;
const scripts = [...new Set<Script>(Object.values(languageScripts).flat())]
  .filter((script) => script !== 'Kana')
  .map((script) => ({ script, pattern: new RegExp(`\\p{Script=${script}}`, 'u') }));

function scriptOf(word: string): Segment['script'] {
  if (kana.test(word)) return 'Kana';
  return scripts.find(({ pattern }) => pattern.test(word))?.script ?? 'other';
}
