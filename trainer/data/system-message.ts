import type { Row } from '../contract/settings/dataset.ts';

/**
 * The row with a system message in front, unless it has one of its own (chat templates take only one) or is a document
 * without roles.
 */
export function withSystem(row: Row, system: string | undefined): Row {
  if (system === undefined || row.messages.length === 0) return row;
  if (row.messages.some(({ role }) => role === 'system' || role === 'developer')) return row;
  return { ...row, messages: [{ role: 'system', content: system }, ...row.messages] };
}
