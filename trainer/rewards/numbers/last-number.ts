import { plainCharacters } from './characters.ts';
import { endOf, startOf } from './expression.ts';
import { withoutLooseBrackets } from './loose-brackets.ts';
import { isListItem, isName, isPiece } from './pieces.ts';
import { hasMinusBeforeMoney, hasMinusWordBefore, lastMinus } from './signs.ts';
import { type Token, tokensOf } from './tokens.ts';

/** Characters before and behind the last digit that are looked at first; answers are shorter. */
const window = { before: 160, behind: 60 };

/** Tokens of the longest expression that is looked into; `readNumber` refuses longer ones. */
const longest = 300;

/**
 * The last number of a text with all that belongs to it: its sign, its fraction or power, the expression that it is a part
 * of (`2^{10}`, `3 \times 4`, `2x`), a word like `million`. So what is found may be no number; it is never a piece of one.
 * Digits in names and units (`CO2`, `x_1`, `cm^2`) are passed over.
 *
 * A minus is a sign if it touches the number and no operand touches it: `from 2 to -3`. Behind an operand it is an operator
 * or a dash, and the number begins after it: `10 - 3`, `x-3`, `pages 10-13`.
 *
 * Linear in the length of the text.
 *
 * @returns `undefined` for a text without numbers
 */
export function lastNumber(text: string): string | undefined {
  for (let end = text.length; end > 0;) {
    const start = text.lastIndexOf('\n', end - 1) + 1;
    const found = lastOfLine(text.slice(start, end).trim(), start === 0 && end === text.length);
    if (found !== undefined) return found;
    end = start - 1;
  }
  return undefined;
}

function lastOfLine(line: string, isAll: boolean): string | undefined {
  const digit = line.search(/[\p{Nd}¼-¾⅐-⅞][^\p{Nd}¼-¾⅐-⅞]*$/u);
  if (digit < 0) return undefined;
  const from = digit > window.before ? line.indexOf(' ', digit - window.before) + 1 : 0;
  const part = line.slice(from, digit + window.behind);
  if (from === 0 || from > digit) return lastOf(tokensOf(plainCharacters(line)), isAll);
  return lastOf(tokensOf(plainCharacters(part)), false) ?? lastOf(tokensOf(plainCharacters(line)), isAll);
}

function lastOf(line: readonly Token[], isAll: boolean): string | undefined {
  for (let last = line.length - 1; last >= 0; last--) {
    if (line[last]?.kind !== 'number') continue;
    const start = startOf(line, last);
    if (isName(line, start)) last = start;
    else return answerAt(line, start, endOf(line, last), isAll);
  }
  return undefined;
}

/** The expression `start … end` as one answer. */
function answerAt(line: readonly Token[], start: number, end: number, isAll: boolean): string {
  if (end - start > longest) return textOf(line, start, end);
  let [from, to] = withoutLooseBrackets(line, start, end);
  const minus = lastMinus(line, from, to);
  if (minus !== undefined) from = minus + 1;
  else if (isListItem(line, from) && !(isAll && to === line.length)) from++;
  else if (isPiece(line, from)) return textOf(line, Math.max(0, from - 4), to);
  const isNegative = hasMinusBeforeMoney(line, from) || hasMinusWordBefore(line, from);
  return (isNegative ? '-' : '') + withoutEmphasis(textOf(line, from, to).trim());
}

function textOf(line: readonly Token[], from: number, to: number): string {
  let text = '';
  for (const token of line.slice(from, to)) text += token.text;
  return text;
}

function withoutEmphasis(text: string): string {
  return text.replace(/^[*_]+/, '').replace(/[*_]+$/, '');
}
