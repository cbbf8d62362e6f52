import { lastBox } from '../answers/boxed.ts';
import { undress } from '../answers/undress.ts';
import { plainCharacters } from './characters.ts';
import { decimalMark } from './decimal-mark.ts';
import { readLatexNumber } from './latex-number.ts';
import { readPlainNumber } from './plain-number.ts';
import { factorOf, isMinusWord, isUnit } from './quantity.ts';
import { multiply, rational, type Rational } from './rational.ts';

/** Longer texts are no answers of one number; what they hold is not looked at. */
const maxLength = 300;

const plainDigits = /^-?\d{1,40}$/;

/**
 * Reads a text that is one number, however it is dressed, exactly:
 *
 * - digits as of `readPlainNumber`, or LaTeX as of `readLatexNumber`;
 * - around it, in any combination: a box, emphasis, formula delimiters, brackets; a currency; `x =` or `Answer:` before it;
 *   a percent sign, a degree sign or a unit of up to three words behind it. A unit changes no value: `18 %` is 18. Words
 *   that are part of the number do: `3 million`.
 *
 * @param language of the text; decides what commas and points mean
 * @returns `undefined` for any other text, such as several numbers, a number in words, or a sum that is not worked out
 */
export function readNumber(text: string, language: string | undefined): Rational | undefined {
  if (plainDigits.test(text)) return rational(BigInt(text));
  if (text.length > maxLength) return undefined;
  const mark = decimalMark(language);
  const undressed = undress(lastBox(text) ?? text);
  const bare = undress(withoutBeginning(plainSpacing(plainCharacters(undressed)))).replace(/[,;:]$/, '');
  const { sign, amount } = withoutCurrency(withMinusSign(bare));
  const whole = sign + amount;
  const value = readPlainNumber(whole, mark) ?? readLatexNumber(whole);
  if (value !== undefined) return value;
  const { number, factor } = withoutUnit(amount);
  if (number === amount) return undefined;
  const signed = sign + undress(number);
  const counted = readPlainNumber(signed, mark) ?? readLatexNumber(signed);
  return counted && (factor === 1n ? counted : multiply(counted, rational(factor)));
}

/** Spaces of TeX as spaces; separators of thousands (`9{,}500`, `9\,500`) as plain ones. */
function plainSpacing(text: string): string {
  return text
    .replaceAll(/\{([,.])\}/g, '$1')
    .replaceAll(/,\\[!,]/g, ',')
    .replaceAll(/(?<=\d)(?:\{\\,\}|\\[,;:! ]|~)(?=\d)/g, '\u00a0')
    .replaceAll(/\\[,;:! ]|~|\\q?quad\b/g, ' ')
    .trim();
}

/** Without `####`, without `x =`, and of `3 + 4 = 7` or `x = 3 + 4 = 7` the right side; `2x = 18` says nothing about 18. */
function withoutBeginning(text: string): string {
  const behindMark = text.startsWith('####') ? text.slice(4).trim() : text;
  const labelled = /^\*{0,2}\p{L}[\p{L} ]{0,30}:\*{0,2}\s/u.exec(behindMark);
  const start = labelled?.[0].length ?? 0;
  const equals = /^(.*)(?:=|≈|\\approx(?![a-z]))/su.exec(behindMark.slice(start));
  const left = equals?.[1]?.trim();
  if (equals === null || left === undefined) return behindMark.slice(start).trim();
  const isName = /^[\p{L}\s\\]*$/u.test(left.replaceAll(/[_^](?:\{\w+\}|\w)|\(\w+\)/g, ''));
  const steps = left.replace(/^\p{L}\s*=/u, '');
  const isSum = !/[\p{L}<>≤≥≠!\\]/u.test(steps.replaceAll(/\\(?:times|cdot|div|[dt]?frac)(?![a-z])/g, ''));
  return isName || isSum ? behindMark.slice(start + equals[0].length).trim() : text;
}

/** `minus 5` and `negative 5` with a sign. */
function withMinusSign(text: string): string {
  const [word = '', name = ''] = /^(\p{L}+)\s*(?=[\d.\p{Sc}])/u.exec(text) ?? [];
  return isMinusWord(name) ? `-${text.slice(word.length)}` : text;
}

const currency = String.raw`(?:(?:US|CA|AU|NZ|HK|R)?\\?[\p{Sc}]|(?:USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|SEK|NOK|DKK|PLN|Rs\.?|kr)(?=[\s\d-]))`;
const signAndCurrency = new RegExp(String.raw`^([-+]?)\s*(?:${currency}\s*)?([-+]?)\s*`, 'u');

/** A sign may stand before or behind the currency, `-$5` or `$-5`; never both. */
function withoutCurrency(text: string): { sign: string; amount: string } {
  const [match = '', before = '', behind = ''] = signAndCurrency.exec(text) ?? [];
  if (before !== '' && behind !== '') return { sign: '', amount: text };
  return { sign: before + behind, amount: text.slice(match.length) };
}

const unitWord = String.raw`[\p{L}\p{M}]+\.?(?:\^\{?-?\d\}?)?`;
const endings = {
  sign: /\s*(?:\\?%|°\s*[CF]?|\^\{?\\circ\}?\s*[CF]?|\\degree|\\?\p{Sc})$/u,
  text: /\s*\\(?:text|mathrm|textrm|mbox)\s*\{([^{}]*)\}(\^\{?\d\}?)?$/,
  words: new RegExp(String.raw`^(.*?[\d)}\]*½])\s*(${unitWord}(?:(?:\s*[\s/*·-]\s*)${unitWord}){0,2})$`, 'su'),
};

/** The number without what it counts, and what the words behind it multiply it by. */
function withoutUnit(text: string): { number: string; factor: bigint } {
  const inWords = text.replace(endings.text, ' $1$2').trim();
  const unsigned = inWords.replace(endings.sign, '');
  const [, number, unit] = endings.words.exec(unsigned) ?? [];
  if (number === undefined || unit === undefined) return { number: unsigned.trim(), factor: 1n };
  const [first = '', ...others] = unit.match(/\p{Script=Han}|[\p{L}\p{M}]+/gu) ?? [];
  const factor = factorOf(first, text.startsWith(number + first));
  const units = factor === undefined ? [first, ...others] : others;
  if (!units.every(isUnit)) return { number: text, factor: 1n };
  return { number, factor: factor ?? 1n };
}
