import type { Row } from '../contract/settings/dataset.ts';

/** The row with another text of the assistant, which does not call what the one before called and is not from where that one is. */
export function withCompletion(row: Row, completion: string): Row {
  const { toolCalls: _calls, origin: _origin, ...rest } = row;
  return { ...rest, completion };
}
