import { randomKey, integer } from '../../algorithms/random.ts';
import type { GeneratorLanguage } from '../../contract/settings/dataset.ts';
import { UserError } from '../../contract/process/errors.ts';
import { permuted } from '../order/permutation.ts';

/** Whether rows are for training or for evaluation. Every generator with the same seed agrees on which prompt is which. */
export type Side = 'train' | 'heldOut';

/** Which of `count` variants of a subject is held out: every subject is seen in training, in its other wordings. */
export function heldOutVariant(seed: number, subject: string, language: GeneratorLanguage, count: number): number {
  return integer(randomKey(seed, 'held-out', subject, language), 0, count);
}

/** True for `share` of all identities. */
export function heldOutIdentity(seed: number, identity: string, share: number): boolean {
  return integer(randomKey(seed, 'held-out', identity), 0, 1_000_000) < share * 1_000_000;
}

/**
 * Draws `rows` prompts (`Infinity`: endlessly) from a numbered space in random order, each once before any comes again.
 *
 * @param at the prompt of a number in 0 … size−1, or `undefined` if that number is of the other side
 * @throws UserError if more held-out prompts are asked for than there are: repeating them would look like more evidence
 */
export function* drawPrompts<T>(
  { task, seed, side, rows, size }: { task: string; seed: number; side: Side; rows: number; size: number },
  at: (index: number) => T | undefined,
): Generator<T> {
  let made = 0;
  for (let pass = 0; made < rows; pass++) {
    const key = randomKey(seed, task, side, pass);
    const before = made;
    for (let index = 0; index < size && made < rows; index++) {
      const prompt = at(permuted(key, index, size));
      if (prompt === undefined) continue;
      yield prompt;
      made++;
    }
    if (made < rows && ((side === 'heldOut' && rows < Infinity) || made === before)) {
      throw new UserError(
        `generator ${task}: found ${made} different ${side === 'heldOut' ? 'held-out' : 'training'} prompts, expected ${rows}; ` +
          'ask for fewer rows, more digits or more languages',
      );
    }
  }
}
