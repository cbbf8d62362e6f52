import type { Row } from '../../contract/settings/dataset.ts';
import { parseResponse } from '../../rewards/responses/parse-response.ts';
import { wordsOf } from './evaluation-grams.ts';

/**
 * Whether a query that is answered without a chain of thought needs one: its answer is right or wrong, or what is asked last
 * has many words. A greeting needs none, as in R1's data (arXiv:2501.12948, §2.3.3). Rows that call tools are left as they are.
 *
 * @param minWords from which on a question has many
 */
export function needsThought({ domain, messages, completion = '', toolCalls, answer }: Row, minWords: number): boolean {
  if (toolCalls !== undefined || messages.length === 0 || parseResponse(completion).think !== undefined) return false;
  if (domain === 'reasoning' || (answer !== undefined && answer.kind !== 'pattern')) return true;
  const question = messages.findLast(({ role }) => role === 'user')?.content ?? '';
  return wordsOf(question).length >= minWords;
}
