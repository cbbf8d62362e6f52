import type { Row } from '../../contract/settings/dataset.ts';
import { UserError } from '../../contract/process/errors.ts';
import type { Encoder } from '../policy/encoding.ts';
import { encodeRead, type Reading } from '../policy/reading.ts';

/** A prompt with a response that is labelled, as token ids. */
export interface Labelled {
  readonly ids: number[];
  readonly isGood: boolean;
}

/** @throws UserError if the row has no label */
export function encodeLabelled(model: Encoder, row: Row, reading: Reading): Labelled {
  const { completion, label } = row;
  if (completion === undefined || label === undefined) {
    const lacks = completion === undefined ? 'completion' : 'label of true or false, 1 or 0';
    throw new UserError(`it has no ${lacks}; expected both completion and label for a reward model`);
  }
  return { ids: encodeRead(model, row, { text: completion }, reading), isGood: label };
}
