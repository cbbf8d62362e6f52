import type { Candidate } from '../algorithms/funnel.ts';
import { zip } from '../algorithms/zip.ts';
import type { Row } from '../contract/settings/dataset.ts';
import { canonicalForm } from './responses/canonical-form.ts';
import type { Verify } from './modules/own-verifiers.ts';
import { isReadable } from './responses/readable.ts';
import { responseConsistency } from './responses/response-consistency.ts';

/** A sampled response. */
export interface Response {
  readonly text: string;
  /** What of the text the prompt already had. */
  readonly opening: string;
  readonly tokens: number;
  /** It ended with a stop token. */
  readonly terminated: boolean;
}

/** A response, and the row that it answers. */
export interface Answered {
  readonly row: Row;
  readonly response: Response;
}

/** Kept rows name them: one rises with every change after which its filter may judge an equal response otherwise. */
export const filterVersions = { correct: 1, readable: 1, oneLanguage: 1, notOverlong: 1 } as const;

/**
 * What rejection sampling asks of responses, in their order. They are put into their canonical form first: what is kept is what was examined.
 *
 * In the general domain a row without a gold answer, or whose gold answer is the pattern of a preferred style, has nothing
 * that is right or wrong: it passes `correct`, and taste is left to the reward model.
 *
 * @param minLanguageConsistency what `oneLanguage` asks for, 0 … 1
 * @param verify asked once, of all of them
 */
export async function examine(
  answered: readonly Answered[],
  minLanguageConsistency: number,
  verify: Verify,
): Promise<Candidate[]> {
  const kept = answered.map(({ row, response }) => ({ row, text: canonicalForm(response.text, response.opening) }));
  const verdicts = await verify(kept);
  const candidates: Candidate[] = [];
  for (const [[{ row, response }, { text }], { outcome, score }] of zip(zip(answered, kept), verdicts)) {
    const { opening, tokens, terminated } = response;
    const verifiable = isVerifiable(row);
    // oxlint-disable-next-line no-await-in-loop -- it waits once, for the identifier to be loaded
    const consistency = await responseConsistency(row, text, opening);
    candidates.push({
      text,
      tokens,
      passes: {
        correct: !verifiable || (outcome === 'abstain' ? undefined : outcome === 'correct'),
        readable: isReadable(row, text, opening),
        oneLanguage: consistency >= minLanguageConsistency,
        notOverlong: terminated,
      },
      accuracy: verifiable ? score : 0,
    });
  }
  return candidates;
}

/** Whether an answer to the row is right or wrong, and not a matter of taste. */
export function isVerifiable({ domain, answer }: Pick<Row, 'domain' | 'answer'>): boolean {
  return domain === 'reasoning' || (answer !== undefined && answer.kind !== 'pattern');
}
