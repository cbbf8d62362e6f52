import type { Formula } from './read-formula.ts';

/** Variables of the largest truth table, of 1,024 lines. */
export const maxVariables = 10;

export function variablesOf(formula: Formula): ReadonlySet<string> {
  if ('truth' in formula) return new Set();
  if ('variable' in formula) return new Set([formula.variable]);
  return new Set(formula.operands.flatMap((operand) => [...variablesOf(operand)]));
}

/**
 * The last column of a truth table of `n` variables: a number of 2^n bits, in which the bit of a line is 1 where the formula is true. In line `l`
 * the variable `i` is true where bit `i` of `l` is 1. A connective takes one operation on whole columns, whatever the number of lines.
 */
export type Column = bigint;

/** @param variables at most `maxVariables`; others are false */
export function truthColumn(formula: Formula, variables: readonly string[]): Column {
  const all = everyLine(variables.length);
  const columns = new Map(variables.map((variable, index) => [variable, columnOf(index, variables.length)]));
  const of = (part: Formula): Column => {
    if ('truth' in part) return part.truth ? all : 0n;
    if ('variable' in part) return columns.get(part.variable) ?? 0n;
    const [a = 0n, b = 0n] = part.operands.map(of);
    switch (part.operator) {
      case 'not':
        return all ^ a;
      case 'and':
        return a & b;
      case 'or':
        return a | b;
      case 'xor':
        return a ^ b;
      case 'implies':
        return (all ^ a) | b;
      case 'iff':
        return all ^ a ^ b;
    }
  };
  return of(formula);
}

/** Whether a variable changes the truth in any line. @param count of all variables of the column */
export function dependsOn(column: Column, index: number, count: number): boolean {
  const whereFalse = everyLine(count) ^ columnOf(index, count);
  return ((column >> BigInt(2 ** index)) & whereFalse) !== (column & whereFalse);
}

/** A digit a line, the first one first. */
export function spellColumn(column: Column, count: number): string {
  return Array.from({ length: 2 ** count }, (_, line) => (column >> BigInt(line)) & 1n).join('');
}

function everyLine(count: number): Column {
  return (1n << BigInt(2 ** count)) - 1n;
}

/** Of the variable itself: 2^index lines of 0, as many of 1, and so on. */
function columnOf(index: number, count: number): Column {
  let column = everyLine(index) << BigInt(2 ** index);
  for (let lines = 2 ** (index + 1); lines < 2 ** count; lines *= 2) column |= column << BigInt(lines);
  return column;
}
