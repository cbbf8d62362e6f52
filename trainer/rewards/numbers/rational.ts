/** An exact number; the denominator is positive and the fraction in lowest terms. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** The fraction in lowest terms. @param denominator not 0 */
export function rational(numerator: bigint, denominator = 1n): Rational {
  const divisor = denominator < 0n ? -commonDivisor(numerator, denominator) : commonDivisor(numerator, denominator);
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

export function equal(a: Rational, b: Rational): boolean {
  return a.numerator === b.numerator && a.denominator === b.denominator;
}

export function isLess(a: Rational, b: Rational): boolean {
  return a.numerator * b.denominator < b.numerator * a.denominator;
}

export function negate({ numerator, denominator }: Rational): Rational {
  return { numerator: -numerator, denominator };
}

export function add(a: Rational, b: Rational): Rational {
  return rational(a.numerator * b.denominator + b.numerator * a.denominator, a.denominator * b.denominator);
}

export function multiply(a: Rational, b: Rational): Rational {
  return rational(a.numerator * b.numerator, a.denominator * b.denominator);
}

/** `undefined` if `b` is 0. */
export function divide(a: Rational, b: Rational): Rational | undefined {
  return b.numerator === 0n ? undefined : rational(a.numerator * b.denominator, a.denominator * b.numerator);
}

/** `18`, `-3.5`, or `1/3` where the decimals do not end. */
export function spell({ numerator, denominator }: Rational): string {
  let [twos, fives, rest] = [0, 0, denominator];
  for (; rest % 2n === 0n; rest /= 2n) twos++;
  for (; rest % 5n === 0n; rest /= 5n) fives++;
  if (denominator === 1n || rest !== 1n) return denominator === 1n ? `${numerator}` : `${numerator}/${denominator}`;
  const places = Math.max(twos, fives);
  const digits = `${((numerator < 0n ? -numerator : numerator) * 10n ** BigInt(places)) / denominator}`;
  const padded = digits.padStart(places + 1, '0');
  return `${numerator < 0n ? '-' : ''}${padded.slice(0, -places)}.${padded.slice(-places)}`;
}

function commonDivisor(a: bigint, b: bigint): bigint {
  let [x, y] = [a < 0n ? -a : a, b < 0n ? -b : b];
  while (y > 0n) [x, y] = [y, x % y];
  return x;
}
