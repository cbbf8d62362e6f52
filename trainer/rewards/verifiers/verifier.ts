import type { Unscored } from '../score.ts';

/**
 * `abstain` means that the verifier cannot tell, for example because it cannot read the gold answer. It is no score: such
 * a completion is left out of its group and counted.
 */
export interface Verdict {
  readonly outcome: 'correct' | 'partial' | 'wrong' | 'abstain';
  /** 1 correct, 0 wrong or abstained, between them the part that is right. */
  readonly score: number;
  /** Why there is none, where a file of one's own or a program was asked. */
  readonly unscored?: Unscored;
}

export const correct: Verdict = { outcome: 'correct', score: 1 };
export const wrong: Verdict = { outcome: 'wrong', score: 0 };
export const abstain: Verdict = { outcome: 'abstain', score: 0 };

/**
 * How one kind of answer is compared with its gold answer. Pure, linear in the length of its input.
 *
 * @typeParam Value what an answer is read as
 */
export interface Verifier<Gold = unknown, Value = unknown> {
  /** What a gold answer must be, for messages: `expected ${expects}`. */
  readonly expects: string;
  /** The gold answer, or `undefined` if it cannot be parsed. */
  parseGold(text: string): Gold | undefined;
  /** The answer in free text; the whole text where absent. */
  find?(text: string): string | undefined;
  /** The value of an answer, or `undefined` if the text is none. @param language of the text, an ISO 639 code */
  read(answer: string, language: string | undefined, gold: Gold): Value | undefined;
  grade(gold: Gold, value: Value): Verdict;
  /** A spelling of values that are equal, and of no others: for majority votes, and to show what was read. */
  spell(value: Value): string;
  /** The same for the gold answer. */
  spellGold(gold: Gold): string;
}
