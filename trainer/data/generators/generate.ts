import type { GeneratorSettings, Row } from '../../contract/settings/dataset.ts';
import { additionRows } from './addition.ts';
import { factRows } from './facts.ts';
import { greetingRows, preferenceRows } from './greetings.ts';
import { mixtureRows } from './mixture.ts';
import { safetyRows } from './safety.ts';
import type { Side } from './side.ts';

const generators = {
  mixture: mixtureRows,
  addition: additionRows,
  facts: factRows,
  greetings: greetingRows,
  preferences: preferenceRows,
  safety: safetyRows,
} as const satisfies Record<GeneratorSettings['task'], unknown>;

/**
 * Rows of a synthetic dataset, one at a time: a function of settings and seed alone. `settings.rows` rows for training,
 * `settings.heldOut` of other prompts for evaluation.
 *
 * @throws UserError if there are fewer held-out prompts than asked for
 */
export function generateRows(dataset: string, settings: GeneratorSettings, seed: number, side: Side): Iterable<Row> {
  return generators[settings.task](dataset, settings, seed, side);
}
