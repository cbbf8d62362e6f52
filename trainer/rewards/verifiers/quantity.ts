import { lastBox } from '../answers/boxed.ts';
import { add, negate, spell } from '../numbers/rational.ts';
import { lastQuantity } from '../units/last-quantity.ts';
import { inBaseUnits, type Quantity, readQuantity } from '../units/read-quantity.ts';
import { spellDimension } from '../units/read-unit.ts';
import { isLess, readTolerated, type Tolerated } from '../units/tolerance.ts';
import { abstain, correct, type Verifier, wrong } from './verifier.ts';

/**
 * A number with its unit, in any unit of its kind, within a tolerance: 5 V ± 2 % is 5050 mV and not 5.2 V. All is computed in fractions, so that the ends of the
 * tolerance belong to it. A unit that is not known abstains; none, or one of another kind, is wrong.
 */
export const quantityVerifier: Verifier<Tolerated, Quantity> = {
  expects:
    'a quantity such as 5 V, 5 V ± 2 % or 5 V ± 100 mV, or an object {value, tolerances: [{tolerance, when}], at} of whose ranges one holds',
  parseGold: readTolerated,
  find: (text) => lastBox(text) ?? lastQuantity(text),
  read: (text, language) => readQuantity(text, language),
  grade({ unit, value, tolerance }, answer) {
    if (answer.unit === undefined) return abstain;
    if (spellDimension(unit) !== spellDimension(answer.unit)) return wrong;
    const distance = add(inBaseUnits(answer.number, answer.unit), negate(value));
    return isLess(tolerance, distance) || isLess(tolerance, negate(distance)) ? wrong : correct;
  },
  spell: ({ number, unit, unitText }) =>
    unit === undefined
      ? `${spell(number)} ${unitText}`
      : `${spell(inBaseUnits(number, unit))} ${spellDimension(unit)}`.trim(),
  spellGold: ({ text }) => text,
};
