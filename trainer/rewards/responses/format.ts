import type { Row } from '../../contract/settings/dataset.ts';
import { closesThought, parseResponse } from './parse-response.ts';

/**
 * 1 if the response is well-formed, else 0: a chain of thought in `<think>` tags, then the answer in `<answer>` tags. Rows
 * whose answer is not read from the tag may as well have R1's published form, in which a plain summary follows the thought.
 *
 * The chain of thought may be missing in the general domain, as R1's data has none for simple queries such as greetings
 * (arXiv:2501.12948, §2.3.3), and must be missing behind a prompt that has closed its block.
 *
 * @param text the whole response
 * @param opening what of it the prompt already had
 */
export function formatReward(row: Pick<Row, 'domain' | 'answer'>, text: string, opening = ''): number {
  const inTag = row.answer?.in === 'answerTag';
  const thoughtMayBeMissing = row.domain === 'general' || closesThought(opening);
  switch (parseResponse(text, opening).form) {
    case 'thoughtAndAnswer':
      return 1;
    case 'thoughtAndSummary':
      return inTag ? 0 : 1;
    case 'answer':
      return thoughtMayBeMissing ? 1 : 0;
    case 'summary':
      return thoughtMayBeMissing && !inTag ? 1 : 0;
    case 'malformed':
      return 0;
  }
}
