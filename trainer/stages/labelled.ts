import type { Row } from '../contract/dataset.ts';
import { UserError } from '../contract/errors.ts';
import { type Scope, withinScope } from '../rewards/scope.ts';
import { encodeExchange, type Encoder } from './encoding.ts';

/** A prompt with a response that is labelled, as token ids. */
export interface Labelled {
  readonly ids: number[];
  readonly isGood: boolean;
}

/** @throws UserError if the row has no label */
export function encodeLabelled(model: Encoder, row: Row, scope: Scope): Labelled {
  const { completion, label } = row;
  if (completion === undefined || label === undefined) {
    const lacks = completion === undefined ? 'completion' : 'label of true or false, 1 or 0';
    throw new UserError(`it has no ${lacks}; expected both completion and label for a reward model`);
  }
  const { promptIds, completionIds } = encodeExchange(model, { ...row, completion: withinScope(scope, completion) });
  return { ids: [...promptIds, ...completionIds], isGood: label };
}
