import type { Row } from '../contract/dataset.ts';
import { parseResponse } from './parse-response.ts';

/**
 * 1 if the completion is exactly `<think>…</think><answer>…</answer>`, else 0. In the general domain a bare
 * `<answer>…</answer>` will do: in R1's data simple queries such as greetings have no chain of thought
 * (arXiv:2501.12948, §2.3.3).
 */
export function formatReward(text: string, domain: Row['domain'] = 'reasoning'): number {
  const { wellFormed, bareAnswer } = parseResponse(text);
  return wellFormed || (domain === 'general' && bareAnswer) ? 1 : 0;
}
