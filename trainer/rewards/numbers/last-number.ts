import { plainCharacters } from './characters.ts';
import { factorOf, isContinued, isMinusWord, isUnit } from './quantity.ts';
import { type Token, tokensOf } from './tokens.ts';

/** Characters before and behind the last digit that are looked at first; answers are shorter. */
const window = { before: 160, behind: 60 };

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

/** First token of the expression that token `last` is in. */
function startOf(line: readonly Token[], last: number): number {
  let start = last;
  for (;;) {
    const before = line[start - 1];
    if (before?.kind === 'maths' || (before?.kind === 'number' && line[start]?.kind === 'maths')) start--;
    else if (before?.kind === 'space' && joins(line, start)) start -= 2;
    else return start;
  }
}

/** Whether the tokens on both sides of a space are one expression: `10 - 3`, `\frac {1}`, `1 1/2`; not `2 -3`. */
function joins(line: readonly Token[], behindSpace: number): boolean {
  const [before, behind, next] = [line[behindSpace - 2], line[behindSpace], line[behindSpace + 1]];
  if (before === undefined || behind === undefined) return false;
  if (before.kind === 'number' && behind.kind === 'number') return next?.text === '/';
  if (isOperator(before)) return true;
  if (!isOperator(behind) || !isOperand(before)) return false;
  return next?.kind === 'space' || !'+-*'.includes(behind.text);
}

/** Behind the last token of the expression that token `last` is in. */
function endOf(line: readonly Token[], last: number): number {
  let end = last + 1;
  while (line[end]?.kind === 'maths' && !isDangling(line, end)) end++;
  const next = line[end];
  if (next === undefined) return end;
  if (isFactor(next, true) || (next.kind === 'word' && next.text.length === 1)) return end + 1;
  if (next.kind !== 'space') return end;
  const [first, second, third] = line.slice(end + 1, end + 4);
  if (first !== undefined && isFactor(first)) return end + 2;
  const words = line.slice(end + 1, end + 7).filter(({ kind }) => kind === 'word');
  if (first?.kind === 'word' && isContinued(words.map(({ text }) => text))) return end + 4;
  // `18 - x` and `18 + \pi` are not 18, `18 - which` is.
  if (first === undefined || second === undefined || !isOperator(first)) return end;
  const operand = second.kind === 'space' ? third : second;
  return operand !== undefined && isVariable(operand) ? end + (second.kind === 'space' ? 4 : 3) : end;
}

/** An operator that no operand follows is punctuation or begins a unit: `18 -`, `18/month`, `18-year`. */
function isDangling(line: readonly Token[], index: number): boolean {
  const next = line[index + 1];
  const text = line[index]?.text ?? '';
  if (/^\\(?:text|math)/.test(text)) return true;
  if (!/^[-+*×·⋅÷/_(]$/.test(text)) return false;
  return next === undefined || !(next.kind === 'maths' || isVariable(next));
}

/** What belongs to the number before it: a multiplier, or a symbol that it is multiplied by. */
function isFactor({ kind, text }: Token, touches = false): boolean {
  if (kind === 'word' || kind === 'ideograph') return text === 'π' || factorOf(text, touches) !== undefined;
  return symbols.test(text);
}

function isVariable(token: Token): boolean {
  return isFactor(token) || (token.kind === 'word' && token.text.length === 1);
}

const symbols = /^\\(?:pi|alpha|beta|gamma|theta|phi|tau|infty|pm|mp|log|ln|sin|cos|tan|exp|binom|sqrt)$|^[±√∛]$/;

const joiningWords = /^(?:x|and|und|point|komma|virgule|coma|virgola)$/i;

function isOperator({ kind, text }: Token): boolean {
  return kind === 'maths' && !/^(?:[(){}_°]|\\circ|\\right)$/.test(text);
}

function isOperand({ kind, text }: Token): boolean {
  return kind === 'number' || kind === 'word' || /^[)}°]$/.test(text);
}

/** Digits right behind a letter, below one, or in the power of a unit belong to a name. */
function isName(line: readonly Token[], start: number): boolean {
  const [first, second] = [line[start], line[start + 1]];
  const before = line[start - 1];
  if (before?.kind !== 'word' && before?.kind !== 'command') return false;
  if (first?.text === '_') return true;
  if (before.kind === 'command') return false;
  const isPower = first?.text === '^' || (first?.text === '}' && second?.text === '^');
  return first?.kind === 'number' || (isPower && isUnit(before.text));
}

/** The expression `start … end` as one answer. */
function answerAt(line: readonly Token[], start: number, end: number, isAll: boolean): string {
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

/** Leaves out brackets around the whole expression, and those whose partner lies outside of it. */
function withoutLooseBrackets(line: readonly Token[], start: number, end: number): [from: number, to: number] {
  let [from, to] = [start, end];
  for (;;) {
    const first = line[from];
    if (first?.text === '(' && line[from - 1]?.kind !== 'word') {
      const partner = partnerOf(line, from, to);
      if (partner !== undefined && partner !== to - 1) return [from, to];
      from++;
      if (partner !== undefined) to--;
    } else if (line[to - 1]?.text === ')' && opens(line, from, to) < 0) to--;
    else return [from, to];
  }
}

function partnerOf(line: readonly Token[], open: number, to: number): number | undefined {
  for (let index = open, depth = 0; index < to; index++) {
    if (line[index]?.text === '(') depth++;
    else if (line[index]?.text === ')' && --depth === 0) return index;
  }
  return undefined;
}

/** Round brackets that are opened, less those that are closed. */
function opens(line: readonly Token[], from: number, to: number): number {
  let depth = 0;
  for (let index = from; index < to; index++) {
    depth += Number(line[index]?.text === '(') - Number(line[index]?.text === ')');
  }
  return depth;
}

/** The last minus outside of brackets that stands behind an operand. */
function lastMinus(line: readonly Token[], from: number, to: number): number | undefined {
  for (let index = to - 1, depth = 0; index >= from; index--) {
    const text = line[index]?.text ?? '';
    if (/^[)}]$/.test(text)) depth++;
    else if (/^[({]$/.test(text)) depth--;
    else if (text === '-' && depth <= 0 && hasOperandBefore(line, index)) return index;
  }
  return undefined;
}

/** An operand that touches the minus, or stands before it where the minus does not touch the number either. */
function hasOperandBefore(line: readonly Token[], minus: number): boolean {
  const before = line[minus - 1];
  if (before === undefined) return false;
  if (before.kind === 'money') return line[minus - 2]?.kind === 'number';
  if (before.kind !== 'space') return isOperand(before);
  const operand = line[minus - 2];
  return line[minus + 1]?.kind === 'space' && operand !== undefined && isOperand(operand);
}

/** `- 5`, `* 5` and `+ 5` at the beginning of a line. */
function isListItem(line: readonly Token[], from: number): boolean {
  return from === 0 && /^[-+*]$/.test(line[0]?.text ?? '') && line[1]?.kind === 'space';
}

/** Whether something before the expression makes it a part of a longer one. */
function isPiece(line: readonly Token[], from: number): boolean {
  const [first, before, second] = [line[from], line[from - 1], line[from - 2]];
  if (first === undefined || before === undefined) return false;
  // `10:30`, `1,,2`
  if (/^[:.,'’"]$/.test(before.text)) return second?.kind === 'number';
  const touches = before.kind !== 'space';
  const previous = touches ? before : second;
  if (previous === undefined) return false;
  if (symbols.test(previous.text)) return true;
  if (touches && /^[({]$/.test(first.text)) return previous.kind === 'word' || previous.kind === 'command';
  if (joiningWords.test(previous.text) && !touches && line[from - 4]?.kind === 'number') {
    // `3 x 4` and `18 point 5`; `18 and 1/2`, but not `17 and 18`.
    return !/^(?:and|und)$/i.test(previous.text) || line[from + 1]?.text === '/';
  }
  if (first.kind !== 'maths' || !isOperator(first) || /^\\(?!cdot|times|div)/.test(first.text) || first.text === '-')
    return false;
  if (/^[*+]$/.test(first.text)) {
    // Emphasis and a plus sign touch what follows; only an operand that touches them as well makes operators of them.
    const isOpen = line[from + 1]?.kind !== 'space';
    if (isOpen && !(touches && isOperand(previous) && !isEmphasis(line, from))) return false;
  }
  return isOperand(previous);
}

/** `**18**` behind a letter: what was opened is closed again. */
function isEmphasis(line: readonly Token[], from: number): boolean {
  let index = from;
  while (line[index]?.text === '*') index++;
  return index > from && line.slice(index).some(({ text }) => text === '*');
}

/** `negative 5`; behind another number it is an operator. */
function hasMinusWordBefore(line: readonly Token[], from: number): boolean {
  const touching = line[from - 1];
  const word = touching?.kind === 'space' ? from - 2 : from - 1;
  const text = line[word]?.text ?? '';
  if (!isMinusWord(text) || line[from]?.text === '-') return false;
  return line[word - 1]?.kind !== 'space' || line[word - 2]?.kind !== 'number';
}

/** `-$5`: a minus that touches the currency and that no operand touches. */
function hasMinusBeforeMoney(line: readonly Token[], from: number): boolean {
  if (line[from - 1]?.kind !== 'money' || line[from - 2]?.text !== '-') return false;
  return !hasOperandBefore(line, from - 2);
}
