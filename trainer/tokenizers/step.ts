import { UserError } from '../contract/process/errors.ts';
import { shown } from '../contract/process/shown.ts';

/** A normalizer, pre-tokenizer or decoder of a `tokenizer.json`. */
export type Step = Readonly<Record<string, unknown>>;

/** @param path what it is, for the message @throws UserError unless it is an object */
export function stepOf(value: unknown, path: string): Step {
  if (typeof value === 'object' && value !== null) return value as Step;
  throw new UserError(`${path}: found ${shown(value)}, expected an object`);
}

/** The steps of a `Sequence`. @throws UserError unless they are a list */
export function stepsOf(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new UserError(`${path}: found ${shown(value)}, expected a list`);
}
