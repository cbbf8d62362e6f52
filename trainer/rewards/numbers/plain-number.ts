import { add, divide, multiply, negate, rational, type Rational } from './rational.ts';

/** Longer texts are no sensible answers, and exact arithmetic on them would cost time. */
const maxLength = 100;
const maxExponent = 400;

interface Forms {
  readonly decimal: RegExp;
  readonly fraction: RegExp;
}

const forms: Record<'.' | ',', Forms> = {
  '.': formsWith({ mark: '\\.', groups: ",'’_\\u00a0\\u202f\\u2009 " }),
  ',': formsWith({ mark: '[,.]', groups: ".'’_\\u00a0\\u202f\\u2009 " }),
};

/**
 * Sign, digits (maybe in groups of three, or as in 12,34,567), decimals, power of ten. One separator of groups is used
 * throughout, so that `12,34` and `1,234 567` are no numbers.
 */
function formsWith({ mark, groups }: { mark: string; groups: string }): Forms {
  const grouped = `\\d{1,3}([${groups}])\\d{3}(?:\\2\\d{3})*`;
  const indian = mark === '\\.' ? '|\\d{1,2}(?:,\\d\\d)+,\\d{3}' : '';
  return {
    decimal: new RegExp(`^(${grouped}${indian}|\\d*)(?:${mark}(\\d+))?(?:[eE]([-+]?\\d{1,4}))?$`),
    fraction: /^(?:(\d+) +)?([^/]+)\/([^/]+)$/,
  };
}

/**
 * Reads one number in digits and nothing else, exactly: `42`, `-3.50`, `.5`, `1,234`, `1.5e3`, `1/2`, `1 1/2`; with the
 * mark `,` also `3,5` and `1.234`.
 *
 * @returns `undefined` for any other text, also for several numbers
 */
export function readPlainNumber(text: string, mark: '.' | ','): Rational | undefined {
  if (text.length > maxLength) return undefined;
  const sign = /^[-+]\s*/.exec(text)?.[0] ?? '';
  const rest = text.slice(sign.length);
  const value = readFraction(rest, mark) ?? readDecimal(rest, mark);
  return value && sign.startsWith('-') ? negate(value) : value;
}

function readFraction(text: string, mark: '.' | ','): Rational | undefined {
  if (!text.includes('/')) return undefined;
  const [, whole, top = '', bottom = ''] = forms[mark].fraction.exec(text) ?? [];
  const [numerator, denominator] = [top, bottom].map((part) => readDecimal(part.trim(), mark));
  const fraction = numerator && denominator && divide(numerator, denominator);
  if (fraction === undefined || whole === undefined) return fraction;
  // `3 1/2` is a mixed number; of `1 234/5` nobody knows.
  return fraction.numerator < fraction.denominator ? add(rational(BigInt(whole)), fraction) : undefined;
}

function readDecimal(text: string, mark: '.' | ','): Rational | undefined {
  const [match, whole = '', , decimals = '', exponent = '0'] = forms[mark].decimal.exec(text) ?? [];
  if (match === undefined || (whole === '' && decimals === '')) return undefined;
  const power = Number(exponent);
  if (Math.abs(power) > maxExponent) return undefined;
  const digits = rational(BigInt(whole.replaceAll(/\D/g, '') + decimals), 10n ** BigInt(decimals.length));
  if (power === 0) return digits;
  const factor = 10n ** BigInt(Math.abs(power));
  return multiply(digits, power > 0 ? rational(factor) : rational(1n, factor));
}
