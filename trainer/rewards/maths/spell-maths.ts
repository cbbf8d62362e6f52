import { rational, spell } from '../numbers/rational.ts';
import { exactValue, numericValue, variablesOf } from './evaluate.ts';
import type { Expression } from './expression.ts';
import type { Maths } from './maths.ts';

/** A spelling that equal answers share, as far as eight digits of their values tell: formulas by what they are worth at a sample point. */
export function spellMaths(maths: Maths): string {
  switch (maths.kind) {
    case 'number':
      return spell(maths.percent ? rational(maths.value.numerator, maths.value.denominator * 100n) : maths.value);
    case 'expression':
      return maths.worked ? spellExpression(maths.expression) : `not worked out: ${spellExpression(maths.expression)}`;
    case 'relation':
      return `${spellExpression(maths.left)} ${maths.sign} ${spellExpression(maths.right)}`;
    case 'sequence':
      return `${maths.open}${maths.items.map(spellMaths).join(', ')}${maths.close}`;
    case 'set':
      return `{${[...new Set(maths.items.map(spellMaths))].toSorted().join(', ')}}`;
    case 'union':
      return [...new Set(maths.items.map(spellMaths))].toSorted().join(' ∪ ');
  }
}

function spellExpression(expression: Expression): string {
  if ('symbol' in expression) return expression.symbol;
  const variables = [...variablesOf(expression)].toSorted();
  const exact = exactValue(expression, 0);
  const value = numericValue(expression, 0);
  const number =
    variables.length === 0 && exact !== undefined
      ? spell(exact)
      : `${value.re.toPrecision(8)}${Math.abs(value.im) < 1e-12 ? '' : ` + ${value.im.toPrecision(8)}i`}`;
  return variables.length === 0 ? number : `f(${variables.join(', ')}) = ${number}`;
}
