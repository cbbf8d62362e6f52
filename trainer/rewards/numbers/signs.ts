import { isOperand } from './operands.ts';
import { isMinusWord } from './quantity.ts';
import type { Token } from './tokens.ts';

/** The last minus outside of brackets that stands behind an operand. */
export function lastMinus(line: readonly Token[], from: number, to: number): number | undefined {
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

/** `negative 5`; behind another number it is an operator. */
export function hasMinusWordBefore(line: readonly Token[], from: number): boolean {
  const touching = line[from - 1];
  const word = touching?.kind === 'space' ? from - 2 : from - 1;
  const text = line[word]?.text ?? '';
  if (!isMinusWord(text) || line[from]?.text === '-') return false;
  return line[word - 1]?.kind !== 'space' || line[word - 2]?.kind !== 'number';
}

/** `-$5`: a minus that touches the currency and that no operand touches. */
export function hasMinusBeforeMoney(line: readonly Token[], from: number): boolean {
  if (line[from - 1]?.kind !== 'money' || line[from - 2]?.text !== '-') return false;
  return !hasOperandBefore(line, from - 2);
}
