import type { Language } from '../../contract/dataset.ts';
import { correct, wrong, type Verifier } from './verifier.ts';

/** An exact number; the denominator is positive and the fraction in lowest terms. */
export interface Rational {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** Longer texts are no sensible answers, and exact arithmetic on them would cost time. */
const maxLength = 100;

const grouping = { en: '[,\\u00a0\\u202f]', de: '[.\\u00a0\\u202f]' };
const point = { en: '\\.', de: '[,.]' };

const patterns = { en: numberPattern('en'), de: numberPattern('de') };

/** Sign, digits (maybe in groups of three), decimals. */
function numberPattern(language: 'en' | 'de'): RegExp {
  return new RegExp(`^([-+]?)(\\d{1,3}(?:${grouping[language]}\\d{3})+|\\d+)(?:${point[language]}(\\d+))?$`);
}

/**
 * Reads one number and nothing else: `42`, `-3.50`, `1,234`, `1/2`; in German `3,5` and `1.234`.
 *
 * @returns `undefined` for any other text, also for several numbers
 */
export function parseNumber(text: string, language: Language = 'en'): Rational | undefined {
  const trimmed = text.trim().replace(/\.$/, '').replace(/^[−–]/, '-');
  if (trimmed.length === 0 || trimmed.length > maxLength) return undefined;
  const parts = trimmed.split('/').map((part) => parseDecimal(part.trim(), language));
  const [top, bottom] = parts;
  if (parts.length > 2 || top === undefined) return undefined;
  if (parts.length === 1) return top;
  if (bottom === undefined || bottom.numerator === 0n) return undefined;
  return rational(top.numerator * bottom.denominator, top.denominator * bottom.numerator);
}

function parseDecimal(text: string, language: Language): Rational | undefined {
  const match = patterns[language === 'de' ? 'de' : 'en'].exec(text);
  if (match === null) return undefined;
  const [, sign, whole = '', decimals = ''] = match;
  const digits = BigInt(whole.replaceAll(/\D/g, '') + decimals);
  return rational(sign === '-' ? -digits : digits, 10n ** BigInt(decimals.length));
}

function rational(numerator: bigint, denominator: bigint): Rational {
  let [a, b] = [numerator < 0n ? -numerator : numerator, denominator < 0n ? -denominator : denominator];
  while (b > 0n) [a, b] = [b, a % b];
  const divisor = denominator < 0n ? -a : a;
  return { numerator: numerator / divisor, denominator: denominator / divisor };
}

/** A minus sign counts unless it stands behind an operand: `= -3` is −3, `10 - 3` ends with 3. */
const numbersInText = /(?:(?<![\p{L}\d)]\s*)[-−–])?\d+(?:[.,\u00a0\u202f]\d+)*(?:\/\d+)?/gu;

/** Numbers are equal if their exact values are: `0.50` is `1/2`, `1,000` is `1000.0`. */
export const numberVerifier: Verifier<Rational> = {
  expects: 'one number such as 42, -3.5, 1,234 or 1/2',
  parseGold: (text) => parseNumber(text),
  grade(gold, answer, language) {
    const value = parseNumber(answer, language);
    return value?.numerator === gold.numerator && value.denominator === gold.denominator ? correct : wrong;
  },
  canonical(answer, language) {
    const value = parseNumber(answer, language);
    return value && `${value.numerator}/${value.denominator}`;
  },
  find: (text) => text.match(numbersInText)?.at(-1),
};
