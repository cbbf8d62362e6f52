import { divide, multiply, rational } from '../numbers/rational.ts';
import { knownUnits, type Unit } from './known-units.ts';

const one: Unit = { factor: rational(1n), dimension: {} };
const maxFactors = 6;

/**
 * Reads a unit: `mV`, `km/h`, `N·m`, `kg m^2/s^2`, `millivolts`. Behind a slash stands one factor, as in `m/s/s`.
 *
 * @returns `undefined` if any of it is not known
 */
export function readUnit(text: string): Unit | undefined {
  const plain = text
    .trim()
    .replaceAll(/\^\{(-?\d)\}/g, '^$1')
    .replaceAll('\u2126', 'Ω');
  if (plain === '') return one;
  const whole = knownUnits.get(plain) ?? knownUnits.get(plain.toLowerCase());
  if (whole !== undefined) return whole;
  const factors = [...plain.matchAll(/(^|\s*[*·⋅×/]\s*|\s+(?:per\s+)?)([^\s*·⋅×/^]+)(?:\^(-?\d))?/gu)];
  if (factors.length > maxFactors || factors.map(([match]) => match).join('') !== plain) return undefined;
  let unit: Unit | undefined = one;
  for (const [, separator = '', symbol = '', exponent = '1'] of factors) {
    const factor = knownUnits.get(symbol);
    // A temperature scale has no products.
    if (unit === undefined || factor === undefined || factor.zero !== undefined) return undefined;
    const isBelow = separator.includes('/') || separator.includes('per');
    unit = times(unit, factor, isBelow ? -Number(exponent) : Number(exponent));
  }
  return unit;
}

function times(unit: Unit, factor: Unit, exponent: number): Unit | undefined {
  let size: Unit['factor'] | undefined = unit.factor;
  for (let each = 0; each < Math.abs(exponent); each++)
    size = size && (exponent < 0 ? divide(size, factor.factor) : multiply(size, factor.factor));
  const dimension: Record<string, number> = { ...unit.dimension };
  for (const [symbol, power] of Object.entries(factor.dimension)) {
    dimension[symbol] = (dimension[symbol] ?? 0) + power * exponent;
    if (dimension[symbol] === 0) delete dimension[symbol];
  }
  return size && { factor: size, dimension };
}

/** `kg m^2 s^-2`, the same for units of one dimension. */
export function spellDimension({ dimension }: Unit): string {
  return Object.keys(dimension)
    .toSorted()
    .map((symbol) => `${symbol}${dimension[symbol] === 1 ? '' : `^${dimension[symbol]}`}`)
    .join(' ');
}
