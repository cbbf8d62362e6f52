import type { Candidate } from '../algorithms/funnel.ts';
import type { Row } from '../contract/dataset.ts';
import { languageConsistency } from './language-consistency.ts';
import { parseResponse } from './parse-response.ts';
import { promptText } from './prompt-text.ts';
import { isReadable } from './readable.ts';
import { verify } from './verify.ts';

/**
 * What rejection sampling asks of a completion.
 *
 * In the general domain a row without a gold answer, or whose gold answer is the pattern of a preferred style, has nothing
 * that is right or wrong: it passes `correct`, and taste is left to the reward model.
 *
 * @param terminated it ended with a stop token
 * @param minLanguageConsistency what `oneLanguage` asks for, 0 … 1
 */
export async function examine(
  row: Row,
  text: string,
  { tokens, terminated }: { tokens: number; terminated: boolean },
  minLanguageConsistency: number,
): Promise<Candidate> {
  const { outcome, score } = verify(row, text);
  const consistency = await languageConsistency(parseResponse(text).languageText, row.language, promptText(row));
  const verifiable = row.domain === 'reasoning' || (row.answer !== undefined && row.answer.kind !== 'pattern');
  return {
    text,
    tokens,
    passes: {
      correct: !verifiable || (outcome === 'abstain' ? undefined : outcome === 'correct'),
      readable: isReadable(text, row.domain),
      oneLanguage: consistency >= minLanguageConsistency,
      notOverlong: terminated,
    },
    accuracy: verifiable ? score : 0,
  };
}
