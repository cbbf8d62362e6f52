import type { Row } from '../../contract/settings/dataset.ts';

/** What the row asks, as plain text: what a chain of thought may quote, and people are shown. */
export function promptText({ messages }: Row): string {
  return messages.map(({ content }) => content).join('\n');
}
