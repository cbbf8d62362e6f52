import type { Formula } from './read-formula.ts';

/** Variables of the largest truth table, of 1,024 lines. */
export const maxVariables = 10;

export function variablesOf(formula: Formula): ReadonlySet<string> {
  if ('truth' in formula) return new Set();
  if ('variable' in formula) return new Set([formula.variable]);
  return new Set(formula.operands.flatMap((operand) => [...variablesOf(operand)]));
}

export function isTrue(formula: Formula, holds: (variable: string) => boolean): boolean {
  if ('truth' in formula) return formula.truth;
  if ('variable' in formula) return holds(formula.variable);
  const [a, b] = formula.operands.map((operand) => isTrue(operand, holds)) as [boolean, boolean];
  switch (formula.operator) {
    case 'not':
      return !a;
    case 'and':
      return a && b;
    case 'or':
      return a || b;
    case 'xor':
      return a !== b;
    case 'implies':
      return !a || b;
    case 'iff':
      return a === b;
  }
}

/** The last column of the truth table, a digit a line. @param variables at most `maxVariables` */
export function truthTable(formula: Formula, variables: readonly string[]): string {
  const place = new Map(variables.map((variable, index) => [variable, index]));
  let column = '';
  for (let line = 0; line < 2 ** variables.length; line++)
    column += isTrue(formula, (variable) => ((line >> (place.get(variable) ?? 0)) & 1) === 1) ? '1' : '0';
  return column;
}
