import type { Row } from '../contract/dataset.ts';

/** The row with another text of the assistant, which does not call what the one before called. */
export function withCompletion(row: Row, completion: string): Row {
  const { toolCalls: _, ...rest } = row;
  return { ...rest, completion };
}
