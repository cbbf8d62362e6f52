import { isOperand, isSymbol } from './operands.ts';
import { isUnit } from './quantity.ts';
import type { Token } from './tokens.ts';

/** Digits right behind a letter, below one, or in the power of a unit belong to a name. */
export function isName(line: readonly Token[], start: number): boolean {
  const [first, second] = [line[start], line[start + 1]];
  const before = line[start - 1];
  if (before?.kind !== 'word' && before?.kind !== 'command') return false;
  if (first?.text === '_') return true;
  if (before.kind === 'command') return false;
  const isPower = first?.text === '^' || (first?.text === '}' && second?.text === '^');
  return first?.kind === 'number' || (isPower && isUnit(before.text));
}

const joiningWords = /^(?:x|and|und|point|komma|virgule|coma|virgola)$/i;

/** Whether something before the expression makes it a part of a longer one. */
export function isPiece(line: readonly Token[], from: number): boolean {
  const [first, before, second] = [line[from], line[from - 1], line[from - 2]];
  if (first === undefined || before === undefined) return false;
  // `10:30`, `1,,2`
  if (/^[:.,'’"]$/.test(before.text)) return second?.kind === 'number';
  const touches = before.kind !== 'space';
  const previous = touches ? before : second;
  if (previous === undefined) return false;
  if (isSymbol(previous)) return true;
  // `f(3)`, `\log{3}`
  if (touches && /^[({]$/.test(first.text)) return previous.kind === 'word' || previous.kind === 'command';
  if (joiningWords.test(previous.text) && !touches && line[from - 4]?.kind === 'number') {
    // `3 x 4` and `18 point 5`; `18 and 1/2`, but not `17 and 18`.
    return !/^(?:and|und)$/i.test(previous.text) || line[from + 1]?.text === '/';
  }
  const isBinary = /^(?:[+*×·⋅÷/^]|\\(?:cdot|times|div))$/.test(first.text);
  if (!isBinary) return false;
  if (/^[*+]$/.test(first.text)) {
    // Emphasis and a plus sign touch what follows; only an operand that touches them as well makes operators of them.
    const isOpen = line[from + 1]?.kind !== 'space';
    if (isOpen && !(touches && isOperand(previous) && !isEmphasis(line, from))) return false;
  }
  return isOperand(previous);
}

/** `- 5`, `* 5` and `+ 5` at the beginning of a line. */
export function isListItem(line: readonly Token[], from: number): boolean {
  return from === 0 && /^[-+*]$/.test(line[0]?.text ?? '') && line[1]?.kind === 'space';
}

/** `**18**` behind a letter: what was opened is closed again. */
function isEmphasis(line: readonly Token[], from: number): boolean {
  let index = from;
  while (line[index]?.text === '*') index++;
  return index > from && line.slice(index).some(({ text }) => text === '*');
}
