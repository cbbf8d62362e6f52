import { factorOf } from './quantity.ts';
import type { Token } from './tokens.ts';

/** Symbols and functions that a number beside them is multiplied with or put into. */
const symbols = /^\\(?:pi|alpha|beta|gamma|theta|phi|tau|infty|pm|mp|log|ln|sin|cos|tan|exp|binom|sqrt)$|^[±√∛]$/;

/** What belongs to the number before it: a multiplier, or a symbol that it is multiplied by. */
export function isFactor({ kind, text }: Token, touches = false): boolean {
  if (kind === 'word' || kind === 'ideograph') return text === 'π' || factorOf(text, touches) !== undefined;
  return symbols.test(text);
}

export function isVariable(token: Token): boolean {
  return isFactor(token) || (token.kind === 'word' && token.text.length === 1);
}

export function isOperator({ kind, text }: Token): boolean {
  return kind === 'maths' && !/^(?:[(){}_°]|\\circ|\\right)$/.test(text);
}

export function isOperand({ kind, text }: Token): boolean {
  return kind === 'number' || kind === 'word' || /^[)}°]$/.test(text);
}

/** A symbol or function whose value is not the number's: `\pi`, `\log`, `±`. */
export function isSymbol({ text }: Token): boolean {
  return symbols.test(text);
}
