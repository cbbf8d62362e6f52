import { lastBox } from '../answers/boxed.ts';
import { plainCharacters } from '../numbers/characters.ts';
import { add, multiply, type Rational } from '../numbers/rational.ts';
import { readNumber } from '../numbers/read-number.ts';
import { undress } from '../answers/undress.ts';
import type { Unit } from './known-units.ts';
import { readUnit } from './read-unit.ts';

/** A number with its unit; of a unit that is not known its text alone. */
export interface Quantity {
  readonly number: Rational;
  readonly unitText: string;
  readonly unit?: Unit;
}

const maxLength = 120;
const amount =
  /^([-+]?\s*(?:\\[dt]?frac\s*\{\d{1,20}\}\s*\{\d{1,20}\}|[\d.,'\u00a0\u202f]*\d(?:\s*\/\s*\d+)?)(?:[eE][-+]?\d{1,3}|\s*(?:\\times|\\cdot|[×x*·])\s*10\s*\^\s*\{?-?\d{1,3}\}?)?)([^]*)$/;

/**
 * Reads a text that is one quantity, however it is dressed: `5050 mV`, `5,05 V` (in German), `$9.81\,\mathrm{m/s^2}$`, `U = 5 volts`.
 *
 * @returns `undefined` for any other text, also for two quantities and for a quantity with a tolerance
 */
export function readQuantity(text: string, language?: string): Quantity | undefined {
  if (text.length > maxLength) return undefined;
  const plain = undress(plainCharacters(undress(lastBox(text) ?? text)))
    .replace(/^[\p{L}_]{1,12}\s*(?:=|:)\s*/u, '')
    .replaceAll(/\\(?:text|mathrm|textrm|mbox|,|;|!|:|\s)|~/g, ' ')
    .replaceAll(/\\(?:micro|mu)(?![a-z])\s*/g, 'µ')
    .replaceAll(/\\(?:Omega|ohm)(?![a-z])/g, 'Ω')
    .replaceAll(/\^\{?\\circ\s*\}?\s*|\\degree\s*/g, '°')
    .replaceAll(/\\cdot(?![a-z])/g, '·')
    .replaceAll('\\%', '%')
    .trim();
  const [, numeral = '', rest = ''] = amount.exec(plain) ?? [];
  const unitText = rest
    .replaceAll(/[{}\s]+/g, ' ')
    .replaceAll(/\^ ?(-?\d) ?/g, '^$1')
    .trim();
  const number = numeral === '' ? undefined : readNumber(numeral.trim(), language);
  // A second number, a sum, or a tolerance is no unit.
  if (number === undefined || /(?<!\^-?)\d|[,;±+=<>()]|\.\s|(?:^|\s)(?:or|to|and|und|oder|bis)\s/u.test(unitText))
    return undefined;
  const unit = readUnit(unitText);
  return { number, unitText, ...(unit && { unit }) };
}

/** In base units; of a temperature in kelvin. */
export function inBaseUnits(number: Rational, { factor, zero }: Unit): Rational {
  const size = multiply(number, factor);
  return zero === undefined ? size : add(size, zero);
}
