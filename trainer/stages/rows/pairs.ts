import type { Row } from '../../contract/settings/dataset.ts';
import { UserError } from '../../contract/process/errors.ts';
import type { Encoder } from '../policy/encoding.ts';
import { encodeRead, type Reading } from '../policy/reading.ts';

/** Two answers to a prompt, each with it, as token ids. */
export interface Pair {
  readonly chosen: number[];
  readonly rejected: number[];
}

/**
 * @param reading of the answers
 * @throws UserError if the row is no pair
 */
export function encodePair(model: Encoder, { messages, tools, chosen, rejected }: Row, reading: Reading): Pair {
  if (chosen === undefined || rejected === undefined) {
    throw new UserError('it has no pair; expected both chosen and rejected for a reward model');
  }
  const idsOf = (text: string): number[] => encodeRead(model, { messages, tools }, { text }, reading);
  return { chosen: idsOf(chosen), rejected: idsOf(rejected) };
}

export function haveSameTokens({ chosen, rejected }: Pair): boolean {
  return chosen.length === rejected.length && chosen.every((id, at) => id === rejected[at]);
}
