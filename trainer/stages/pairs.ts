import type { Row } from '../contract/dataset.ts';
import { UserError } from '../contract/errors.ts';
import { type Scope, withinScope } from '../rewards/scope.ts';
import { encodeExchange, type Encoder } from './encoding.ts';

/** Two answers to a prompt, each with it, as token ids. */
export interface Pair {
  readonly chosen: number[];
  readonly rejected: number[];
}

/**
 * @param scope what of the answers the model reads
 * @throws UserError if the row is no pair
 */
export function encodePair(model: Encoder, { messages, tools, chosen, rejected }: Row, scope: Scope): Pair {
  if (chosen === undefined || rejected === undefined) {
    throw new UserError('it has no pair; expected both chosen and rejected for a reward model');
  }
  const idsOf = (answer: string): number[] => {
    const completion = withinScope(scope, answer);
    const { promptIds, completionIds } = encodeExchange(model, { messages, tools, completion });
    return [...promptIds, ...completionIds];
  };
  return { chosen: idsOf(chosen), rejected: idsOf(rejected) };
}

export function haveSameTokens({ chosen, rejected }: Pair): boolean {
  return chosen.length === rejected.length && chosen.every((id, at) => id === rejected[at]);
}
