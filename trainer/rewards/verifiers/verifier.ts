import type { Language } from '../../contract/dataset.ts';

/**
 * `abstain` means that the verifier cannot tell, for example because it cannot read the gold answer. It is no score: such
 * a completion is left out of its group and counted.
 */
export interface Verdict {
  readonly outcome: 'correct' | 'partial' | 'wrong' | 'abstain';
  /** 1 correct, 0 wrong or abstained, between them the part that is right. */
  readonly score: number;
}

export const correct: Verdict = { outcome: 'correct', score: 1 };
export const wrong: Verdict = { outcome: 'wrong', score: 0 };
export const abstain: Verdict = { outcome: 'abstain', score: 0 };

/** How one kind of answer is compared with its gold answer. Pure, linear in the length of its input. */
export interface Verifier<Gold = unknown> {
  /** What a gold answer must be, for messages: `expected ${expects}`. */
  readonly expects: string;
  /** The gold answer, or `undefined` if it cannot be parsed. */
  parseGold(text: string): Gold | undefined;
  grade(gold: Gold, answer: string, language: Language | undefined): Verdict;
  /** A spelling that equal answers share, for majority votes; `undefined` if the text is no answer. */
  canonical(answer: string, language: Language | undefined): string | undefined;
  /** The answer in free text; the whole text where absent. */
  find?(text: string): string | undefined;
}
