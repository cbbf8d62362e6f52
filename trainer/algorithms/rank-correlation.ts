import { mean } from './statistics.ts';

/**
 * Spearman's ρ: Pearson's correlation of the ranks, in which equal values share the mean of their ranks. In [−1, 1].
 *
 * @param b as many as of `a`
 * @returns nothing where all values of one of the two are the same
 */
export function spearman(a: readonly number[], b: readonly number[]): number | undefined {
  const [x, y] = [centred(ranks(a)), centred(ranks(b))];
  const scale = Math.sqrt(product(x, x) * product(y, y));
  return scale === 0 ? undefined : product(x, y) / scale;
}

/** From 1; equal values share the mean of theirs. */
export function ranks(values: readonly number[]): number[] {
  const order = [...values.keys()].toSorted((i, j) => values[i]! - values[j]!);
  const found = values.map(() => 0);
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    for (const index of order.slice(from, to)) found[index] = (from + 1 + to) / 2;
    from = to;
  }
  return found;
}

function product(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, at) => sum + value * b[at]!, 0);
}

function centred(values: readonly number[]): number[] {
  const middle = mean(values);
  return values.map((value) => value - middle);
}
