import { isFactor, isOperand, isOperator, isVariable } from './operands.ts';
import { isContinued } from './quantity.ts';
import type { Token } from './tokens.ts';

/** First token of the expression that token `last` is in. */
export function startOf(line: readonly Token[], last: number): number {
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
export function endOf(line: readonly Token[], last: number): number {
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
