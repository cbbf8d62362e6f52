import type { Row } from '../contract/dataset.ts';

/** Words in a row that no text may share with an evaluation question. Source: DeepSeek-R1, arXiv:2501.12948v2, on decontamination. */
export const gramWords = 10;

/** A word, a number, a mark that means something in a formula, or a character of a script that puts no blanks between words. */
const word = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}]|[\p{L}\p{M}\p{N}]+|[\p{S}*/%-]/gu;

/** The questions that models are measured on, as ten words in a row each; a shorter one is known as a whole. */
export class EvaluationGrams {
  readonly #grams = new Set<string>();

  /** @param rows of an evaluation set: what they ask, or a document's text */
  add(rows: Iterable<Pick<Row, 'messages' | 'completion'>>): void {
    for (const { messages, completion = '' } of rows) {
      const questions = messages.filter(({ role }) => role === 'user').map(({ content }) => content);
      for (const text of messages.length > 0 ? questions : [completion]) {
        for (const gram of gramsOf(text)) this.#grams.add(gram);
      }
    }
  }

  /** The first words in a row that a text has of an evaluation question. A text of fewer words has them if it is one. */
  findIn(text: string): string | undefined {
    for (const gram of gramsOf(text)) if (this.#grams.has(gram)) return gram;
    return undefined;
  }

  /** The same in any text of a row: what it asks, and what answers it. */
  findInRow({ messages, completion = '' }: Pick<Row, 'messages' | 'completion'>): string | undefined {
    for (const text of [...messages.map(({ content }) => content), completion]) {
      const found = this.findIn(text);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}

/** Words of a text in lower case, and what else means something. */
export function wordsOf(text: string): string[] {
  return text.normalize('NFKC').toLowerCase().match(word) ?? [];
}

/** Upper and lower case, marks between words and ways to write a character make no difference. */
function* gramsOf(text: string): Generator<string> {
  const words = wordsOf(text);
  if (words.length > 0 && words.length < gramWords) yield words.join(' ');
  for (let start = 0; start + gramWords <= words.length; start++) {
    yield words.slice(start, start + gramWords).join(' ');
  }
}
