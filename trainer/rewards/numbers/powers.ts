import { divide, rational, type Rational } from './rational.ts';

/** Bits of the largest number that is worked out, about 300 digits: `9^{9^9}` has 370 million. */
const maxBits = 1000;

/** `base` to the power of `exponent`, if it is rational and of a size that answers have. */
export function exactPower(base: Rational, exponent: Rational): Rational | undefined {
  const root = exponent.denominator === 1n ? base : exactRoot(base, exponent.denominator);
  if (root === undefined) return undefined;
  const power = exponent.numerator < 0n ? -exponent.numerator : exponent.numerator;
  const bits = Math.max(bitsOf(root.numerator), bitsOf(root.denominator));
  if (power > BigInt(maxBits) || bits * Number(power) > maxBits) return undefined;
  const value = rational(root.numerator ** power, root.denominator ** power);
  return exponent.numerator < 0n ? divide(rational(1n), value) : value;
}

/** The real root of `degree`, if it is rational; of positive numbers the positive one. */
export function exactRoot({ numerator, denominator }: Rational, degree: bigint): Rational | undefined {
  if (degree < 1n || degree > BigInt(maxBits) || (numerator < 0n && degree % 2n === 0n)) return undefined;
  const [top, bottom] = [wholeRoot(numerator < 0n ? -numerator : numerator, degree), wholeRoot(denominator, degree)];
  if (top === undefined || bottom === undefined) return undefined;
  return rational(numerator < 0n ? -top : top, bottom);
}

/** Newton's method on whole numbers, from above. */
function wholeRoot(value: bigint, degree: bigint): bigint | undefined {
  if (value < 2n) return value;
  if (bitsOf(value) > 4 * maxBits) return undefined;
  let root = 1n << (BigInt(bitsOf(value)) / degree + 1n);
  for (;;) {
    const next = ((degree - 1n) * root + value / root ** (degree - 1n)) / degree;
    if (next >= root) break;
    root = next;
  }
  return root ** degree === value ? root : undefined;
}

function bitsOf(value: bigint): number {
  return (value < 0n ? -value : value).toString(2).length;
}
