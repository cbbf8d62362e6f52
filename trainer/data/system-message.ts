import type { Row } from '../contract/dataset.ts';

/** The row with its dataset's system message in front, unless it has one of its own: chat templates take only one. */
export function withSystem(row: Row, system: string | undefined): Row {
  if (system === undefined || row.messages.some(({ role }) => role === 'system')) return row;
  return { ...row, messages: [{ role: 'system', content: system }, ...row.messages] };
}
