/**
 * The same text in the characters that numbers are read from: digits of every script as 0–9, every minus sign and hyphen
 * as `-`, `²` as `^{2}`, `½` as ` 1/2`, full-width signs as ASCII, without characters of no width. Words keep their letters.
 */
export function plainCharacters(text: string): string {
  if (isAscii.test(text)) return text;
  return text
    .replaceAll(/[\u200b-\u200d\u2060\ufeff]/g, '')
    .replaceAll(minusSigns, '-')
    .replaceAll(
      superscripts,
      (run) => `^{${Array.from(run, (sign) => '0123456789-'[superscriptOrder.indexOf(sign)]).join('')}}`,
    )
    .replaceAll(vulgarFractions, (sign) => ` ${sign.normalize('NFKD')}`)
    .replaceAll(/[\u2044\u2215\uff0f]/g, '/')
    .replaceAll(/[\uff04\uff05\uff08\uff09\uff0b\uff1d]/g, (sign) => String.fromCodePoint(sign.charCodeAt(0) - 0xfee0))
    .replaceAll(foreignDigits, (digit) => String(valueOf(digit)))
    .replaceAll(/(?<=\d)[\uff0e\u066b](?=\d)/g, '.')
    .replaceAll(/(?<=\d)\u066c(?=\d)/g, ',');
}

const isAscii = /^[\0-\x7f]*$/;

/** Hyphens and short dashes, the minus sign, its small and its full-width form; the long dash (—) is punctuation. */
const minusSigns = /[\u2010-\u2013\u2212\ufe63\uff0d]/g;

const superscripts = /[⁰¹²³⁴-⁹⁻]+/g;
const superscriptOrder = '⁰¹²³⁴⁵⁶⁷⁸⁹⁻';

const vulgarFractions = /[¼-¾⅐-⅞]/g;

const foreignDigits = /(?![0-9])\p{Nd}/gu;

/** Unicode keeps the ten digits of a script together, in order, from 0. */
function valueOf(digit: string): number {
  const code = digit.codePointAt(0) as number;
  let before = 0;
  while (/\p{Nd}/u.test(String.fromCodePoint(code - before - 1))) before++;
  return before % 10;
}
