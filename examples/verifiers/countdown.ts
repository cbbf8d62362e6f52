// What is right in Countdown: an expression that takes each number of the row once and is worth its target.

interface Sample {
  readonly completion: string;
  readonly row: { readonly columns: { readonly numbers: readonly number[]; readonly target: number } };
}

/** 1 for `4*(3+2)` of the numbers 2, 3, 4 and the target 20, else 0. The answer is in the one tag behind the thought. */
export function grade({ completion, row: { columns } }: Sample): number {
  const [, expression = ''] = /^(?:(?!<answer>)[^])*<answer>([-+*/() \d]{1,100})<\/answer>\s*$/.exec(completion) ?? [];
  const used = (expression.match(/\d+/g) ?? []).map(Number);
  if (ordered(used) !== ordered(columns.numbers)) return 0;
  const tokens: string[] = expression.match(/\d+|[-+*/()]/g) ?? [];
  return Math.abs(sum(tokens) - columns.target) < 1e-9 && tokens.length === 0 ? 1 : 0;
}

function ordered(numbers: readonly number[]): string {
  return numbers.toSorted((a, b) => a - b).join();
}

/** Value of a sum at the beginning of the tokens, which are taken away; NaN where there is none. */
function sum(tokens: string[]): number {
  let value = product(tokens);
  while (tokens[0] === '+' || tokens[0] === '-') value += tokens.shift() === '+' ? product(tokens) : -product(tokens);
  return value;
}

function product(tokens: string[]): number {
  let value = factor(tokens);
  while (tokens[0] === '*' || tokens[0] === '/') value *= tokens.shift() === '*' ? factor(tokens) : 1 / factor(tokens);
  return value;
}

function factor(tokens: string[]): number {
  const token = tokens.shift() ?? '';
  if (token !== '(') return /^\d/.test(token) ? Number(token) : NaN;
  const value = sum(tokens);
  return tokens.shift() === ')' ? value : NaN;
}
