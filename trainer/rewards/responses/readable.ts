import type { Row } from '../../contract/settings/dataset.ts';
import { formatReward } from './format.ts';
import { parseResponse } from './parse-response.ts';

/**
 * Whether a person would want to read the response: strict tags, no code block (R1 drops chains with them), no broken or
 * control characters, no phrase that repeats itself three times in a row, no run of eight equal letters or marks.
 */
export function isReadable(row: Pick<Row, 'domain' | 'answer'>, text: string, opening = ''): boolean {
  if (formatReward(row, text, opening) !== 1) return false;
  if (/```|\ufffd|(?![\n\t\r])\p{Cc}/u.test(text) || /([^\d\s])\1{7}/.test(text)) return false;
  const { think = '', summary } = parseResponse(text, opening);
  return !repeatsItself(think.split(/\s+/)) && !repeatsItself(summary.split(/\s+/));
}

/** True if some phrase of up to twelve words stands three times in a row. */
function repeatsItself(words: readonly string[]): boolean {
  for (let length = 1; length <= 12; length++) {
    let run = 0; // words that equal the one a phrase length earlier
    for (let index = length; index < words.length; index++) {
      run = words[index] === words[index - length] ? run + 1 : 0;
      if (run >= 2 * length) return true;
    }
  }
  return false;
}
