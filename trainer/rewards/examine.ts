import type { Candidate } from '../algorithms/funnel.ts';
import type { Row } from '../contract/settings/dataset.ts';
import { canonicalForm } from './canonical-form.ts';
import type { Verify } from './modules/own-verifiers.ts';
import { isReadable } from './readable.ts';
import { responseConsistency } from './response-consistency.ts';
import { verifyApart } from './verify-apart.ts';

/** A sampled response. */
export interface Response {
  readonly text: string;
  /** What of the text the prompt already had. */
  readonly opening: string;
  readonly tokens: number;
  /** It ended with a stop token. */
  readonly terminated: boolean;
}

/** Kept rows name them: one rises with every change after which its filter may judge an equal response otherwise. */
export const filterVersions = { correct: 1, readable: 1, oneLanguage: 1, notOverlong: 1 } as const;

/**
 * What rejection sampling asks of a response. It is put into its canonical form first: what is kept is what was examined.
 *
 * In the general domain a row without a gold answer, or whose gold answer is the pattern of a preferred style, has nothing
 * that is right or wrong: it passes `correct`, and taste is left to the reward model.
 *
 * @param minLanguageConsistency what `oneLanguage` asks for, 0 … 1
 * @param verifyAll where a dataset has a verifier of one's own
 */
export async function examine(
  row: Row,
  { text, opening, tokens, terminated }: Response,
  minLanguageConsistency: number,
  verifyAll?: Verify,
): Promise<Candidate> {
  const kept = canonicalForm(text, opening);
  const [found] = verifyAll ? await verifyAll([{ row, text: kept }]) : [];
  const { outcome, score } = found ?? (await verifyApart(row, kept));
  const consistency = await responseConsistency(row, kept, opening);
  const verifiable = isVerifiable(row);
  return {
    text: kept,
    tokens,
    passes: {
      correct: !verifiable || (outcome === 'abstain' ? undefined : outcome === 'correct'),
      readable: isReadable(row, kept, opening),
      oneLanguage: consistency >= minLanguageConsistency,
      notOverlong: terminated,
    },
    accuracy: verifiable ? score : 0,
  };
}

/** Whether an answer to the row is right or wrong, and not a matter of taste. */
export function isVerifiable({ domain, answer }: Pick<Row, 'domain' | 'answer'>): boolean {
  return domain === 'reasoning' || (answer !== undefined && answer.kind !== 'pattern');
}
