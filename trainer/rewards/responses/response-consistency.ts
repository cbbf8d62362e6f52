import type { Row } from '../../contract/settings/dataset.ts';
import { languageConsistency } from '../language/language-consistency.ts';
import { parseResponse } from './parse-response.ts';
import { promptText } from './prompt-text.ts';

/**
 * Language consistency of a response to a row, as everything that rewards, filters or measures it reads it.
 *
 * @param text the whole response
 * @param opening what of it the prompt already had
 * @returns 0 … 1
 */
export function responseConsistency(row: Row, text: string, opening = ''): Promise<number> {
  return languageConsistency(parseResponse(text, opening).languageText, row.language, promptText(row));
}
