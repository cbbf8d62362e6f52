import { z } from 'zod';
import { add, multiply, negate, rational, type Rational } from '../numbers/rational.ts';
import { parseJson } from '../answers/structured-gold.ts';
import type { Unit } from './known-units.ts';
import { inBaseUnits, readQuantity } from './read-quantity.ts';
import { spellDimension } from './read-unit.ts';

/** A quantity, and how far an answer may lie from it. */
export interface Tolerated {
  readonly text: string;
  readonly unit: Unit;
  /** In base units. */
  readonly value: Rational;
  /** In base units, not negative. */
  readonly tolerance: Rational;
}

const gold = z.strictObject({
  value: z.string(),
  /** Of several, the first whose ranges all hold under `at`. */
  tolerances: z
    .array(z.strictObject({ tolerance: z.string(), when: z.record(z.string(), z.string()).optional() }))
    .min(1),
  at: z.record(z.string(), z.string()).optional(),
});

/** Reads `5 V`, `5 V ± 2 %`, `5 V ± 100 mV`, or an object whose tolerance depends on conditions. */
export function readTolerated(text: string): Tolerated | undefined {
  const conditional = parseJson(gold, text);
  if (conditional === undefined) {
    const [value = '', tolerance, ...more] = text.split(/±|\+\/-|\\pm(?![a-z])/);
    return more.length > 0 ? undefined : tolerated(value, tolerance);
  }
  const { value, tolerances, at = {} } = conditional;
  const applies = tolerances.map(({ when = {} }) =>
    Object.entries(when).map(([name, range]) => holds(range, at[name])),
  );
  // A range that cannot be read must not choose the next one.
  if (applies.flat().includes(undefined)) return undefined;
  const chosen = tolerances[applies.findIndex((ranges) => !ranges.includes(false))];
  return chosen && tolerated(value, chosen.tolerance);
}

function tolerated(text: string, tolerance: string | undefined): Tolerated | undefined {
  const read = readQuantity(text.trim());
  if (read?.unit === undefined) return undefined;
  const { unit, unitText } = read;
  const value = inBaseUnits(read.number, unit);
  const size = tolerance === undefined ? rational(0n) : sizeOf(tolerance, read.number, unit, unitText);
  if (size === undefined || size.numerator < 0n) return undefined;
  return {
    text: `${text.trim()}${tolerance === undefined ? '' : ` ± ${tolerance.trim()}`}`,
    unit,
    value,
    tolerance: size,
  };
}

/** In base units: a share of the number, or a quantity of its kind. A tolerance in per cent of a percentage is one in points. */
function sizeOf(tolerance: string, number: Rational, unit: Unit, unitText: string): Rational | undefined {
  const read = readQuantity(tolerance.trim());
  if (read?.unit === undefined) return undefined;
  if (read.unitText === '%' && unitText !== '%') {
    const share = multiply(multiply(number, unit.factor), multiply(read.number, rational(1n, 100n)));
    return share.numerator < 0n ? negate(share) : share;
  }
  const isOfKind = spellDimension(read.unit) === spellDimension(unit);
  return isOfKind ? multiply(read.number, read.unit.factor) : undefined;
}

/** Whether a condition lies in `0 °C .. 85 °C`: the lower end belongs to it, the upper one to the next. `undefined` if it cannot be told. */
function holds(range: string, at: string | undefined): boolean | undefined {
  const [from, to, ...more] = range.split('..').map((end) => baseOf(end));
  const condition = at === undefined ? undefined : baseOf(at);
  if (from === undefined || to === undefined || condition === undefined || more.length > 0) return undefined;
  if (from.dimension !== condition.dimension || to.dimension !== condition.dimension) return undefined;
  return !isLess(condition.value, from.value) && isLess(condition.value, to.value);
}

function baseOf(text: string): { readonly value: Rational; readonly dimension: string } | undefined {
  const read = readQuantity(text.trim());
  return read?.unit && { value: inBaseUnits(read.number, read.unit), dimension: spellDimension(read.unit) };
}

export function isLess(a: Rational, b: Rational): boolean {
  return add(a, negate(b)).numerator < 0n;
}
