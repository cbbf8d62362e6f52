/** A response that is labelled, and what a model makes of it. */
export interface LabelledScore {
  readonly isGood: boolean;
  readonly score: number;
}

/** Area under the ROC curve, with the bounds of its interval. */
export interface RocAuc {
  readonly area: number;
  readonly low: number;
  readonly high: number;
}

/** 97.5 % quantile of the normal distribution. */
const normalQuantile = 1.959963984540054;

/**
 * How well scores tell good from bad: the chance that a good response scores higher than a bad one, ties as a half. 0.5 is chance. With its
 * 95 % interval, which holds near 0 and 1, too: the areas θ for which |θ − area| ≤ z · √V(θ), V of Hanley and McNeil.
 *
 * Source: Newcombe, Statist. Med. 25 (2006) 559–573, method 5.
 *
 * @returns nothing where one of the two kinds is missing
 */
export function rocAuc(scored: readonly LabelledScore[]): RocAuc | undefined {
  const good = scored.filter(({ isGood }) => isGood).length;
  const bad = scored.length - good;
  if (good === 0 || bad === 0) return undefined;
  const area = (rankSum(scored) - (good * (good + 1)) / 2) / (good * bad);
  const isWithin = (theta: number): boolean => {
    const others = (good + bad) / 2 - 1;
    const spread = 1 + others * ((1 - theta) / (2 - theta) + theta / (1 + theta));
    return Math.abs(theta - area) <= normalQuantile * Math.sqrt((theta * (1 - theta) * spread) / (good * bad));
  };
  return { area, low: edge(isWithin, area, 0), high: edge(isWithin, area, 1) };
}

/** Ranks of the good ones, from 1, summed up; equal scores share the mean of their ranks. */
function rankSum(scored: readonly LabelledScore[]): number {
  const ordered = scored.toSorted((a, b) => a.score - b.score);
  let sum = 0;
  for (let from = 0; from < ordered.length;) {
    let to = from + 1;
    while (to < ordered.length && ordered[to]!.score === ordered[from]!.score) to++;
    const rank = (from + 1 + to) / 2;
    sum += rank * ordered.slice(from, to).filter(({ isGood }) => isGood).length;
    from = to;
  }
  return sum;
}

/** The farthest value towards `limit` for which `isWithin` holds, as it does at `from`; by halving. */
function edge(isWithin: (value: number) => boolean, from: number, limit: number): number {
  if (from === limit) return from;
  let [inside, outside] = [from, limit];
  for (let round = 0; round < 50; round++) {
    const middle = (inside + outside) / 2;
    if (isWithin(middle)) inside = middle;
    else outside = middle;
  }
  return inside;
}
