import type { Row } from '../../contract/settings/dataset.ts';

/** Words in a row that no text may share with an evaluation question. Source: DeepSeek-R1, arXiv:2501.12948v2, on decontamination. */
export const gramWords = 10;

/** A word, a number, a mark that means something in a formula, or a character of a script that puts no blanks between words. */
const word = /[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}]|[\p{L}\p{M}\p{N}]+|[\p{S}*/%-]/gu;

/** Columns of evaluation data in which people write reference solutions, in GSM8K, MATH and others. */
const solutionColumns: readonly string[] = ['solution', 'answer'];

type AskedRow = Pick<Row, 'messages' | 'completion' | 'answer' | 'columns'>;

/**
 * The questions that models are measured on, and their reference solutions, as ten words in a row each. A shorter question is known as a
 * whole; a shorter solution is not, since it says no more than its answer, such as 12.
 */
export class EvaluationGrams {
  readonly #grams = new Set<string>();

  /**
   * @param rows of an evaluation set: what they ask, or a document's text, and how it is solved
   * @param answerColumn further one with solutions, which a data set names otherwise
   */
  add(rows: Iterable<AskedRow>, answerColumn?: string): void {
    const columns = [...solutionColumns, ...(answerColumn === undefined ? [] : [answerColumn])];
    for (const row of rows) {
      const questions = row.messages.filter(({ role }) => role === 'user').map(({ content }) => content);
      const isDocument = row.messages.length === 0;
      for (const text of isDocument ? [row.completion ?? ''] : questions) {
        for (const gram of gramsOf(text)) this.#grams.add(gram);
      }
      for (const text of isDocument ? [] : solutionsOf(row, columns)) {
        for (const gram of windowsOf(wordsOf(text))) this.#grams.add(gram);
      }
    }
  }

  /** The first words in a row that a text has of an evaluation question or solution. A text of fewer words has them if it is a question. */
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

function solutionsOf({ completion, answer, columns = {} }: AskedRow, names: readonly string[]): string[] {
  const written = names.map((name) => columns[name]);
  return [completion, answer?.gold, ...written].filter((text) => typeof text === 'string');
}

/** Words of a text in lower case, and what else means something. */
export function wordsOf(text: string): string[] {
  return text.normalize('NFKC').toLowerCase().match(word) ?? [];
}

/** Upper and lower case, marks between words and ways to write a character make no difference. */
function* gramsOf(text: string): Generator<string> {
  const words = wordsOf(text);
  if (words.length > 0 && words.length < gramWords) yield words.join(' ');
  yield* windowsOf(words);
}

function* windowsOf(words: readonly string[]): Generator<string> {
  for (let start = 0; start + gramWords <= words.length; start++) {
    yield words.slice(start, start + gramWords).join(' ');
  }
}
