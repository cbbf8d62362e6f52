import { parseResponse } from './parse-response.ts';

/** What of a response is read: what follows the chain of thought, or everything. */
export type Scope = 'summary' | 'response';

/** @param opening what the prompt already had of the response */
export function withinScope(scope: Scope, text: string, opening?: string): string {
  return scope === 'summary' ? parseResponse(text, opening).summary : text;
}
