import type { Tokenizer as HfTokenizer } from '@huggingface/tokenizers';
import type { AddedToken } from './tokenizer-files.ts';

/** White space and word characters as Rust has them; JavaScript counts U+FEFF as white space, and not U+0085. */
const spacesAtEnd = /\p{White_Space}+$/u;
const spacesAtStart = /^\p{White_Space}+/u;
const word = String.raw`[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\u200C\u200D]`;
const wordAtEnd = new RegExp(`${word}$`, 'u');
const wordAtStart = new RegExp(`^${word}`, 'u');

/**
 * Has a tokenizer find its added tokens as PyPI `tokenizers` does: the leftmost first, of several the longest; a
 * `single_word` token not inside a word; `lstrip` and `rstrip` taking the white space beside a token, but never another
 * token.
 */
export function installAddedTokens(library: HfTokenizer, tokens: readonly AddedToken[]): void {
  const normalizer = library.normalizer;
  const [literal, normalized] = [new Map<string, AddedToken>(), new Map<string, AddedToken>()];
  for (const token of tokens) {
    if (token.content === '') continue;
    if ((token.normalized ?? !token.special) && normalizer !== null)
      normalized.set(normalizer.normalize(token.content), token);
    else literal.set(token.content, token);
  }
  Object.assign(library, { splitter_unnormalized: splitter(literal), splitter_normalized: splitter(normalized) });
}

/** @param tokens by the text under which each is looked for */
function splitter(tokens: ReadonlyMap<string, AddedToken>): { split: (text: string) => string[] } {
  const contents = [...tokens.keys()].filter((content) => content !== '').toSorted((a, b) => b.length - a.length);
  if (contents.length === 0) return { split: (text) => (text === '' ? [] : [text]) };
  const pattern = new RegExp(contents.map((content) => RegExp.escape(content)).join('|'), 'g');
  return {
    split(text) {
      const pieces: string[] = [];
      let done = 0;
      for (const { 0: content, index } of text.matchAll(pattern)) {
        const { lstrip, rstrip, single_word: singleWord } = tokens.get(content) as AddedToken;
        const end = index + content.length;
        if (
          singleWord &&
          (wordAtEnd.test(text.slice(Math.max(0, index - 2), index)) || wordAtStart.test(text.slice(end)))
        )
          continue;
        const before = text.slice(done, index);
        pieces.push(lstrip ? before.replace(spacesAtEnd, '') : before, content);
        done = end + (rstrip ? (spacesAtStart.exec(text.slice(end))?.[0].length ?? 0) : 0);
      }
      return [...pieces, text.slice(done)].filter((piece) => piece !== '');
    },
  };
}
