/**
 * As many disjoint pairs of about the same length as there can be: from the shortest on, each with the next longer one if that will do.
 *
 * @param lengths above 0
 * @param ratio the longer one of a pair divided by the shorter one, at most; 1 or above
 * @returns places in `lengths`, the smaller one of a pair first
 */
export function matchLengths(lengths: readonly number[], ratio: number): [number, number][] {
  const lengthOf = (place: number): number => lengths[place] as number;
  const order = [...lengths.keys()].toSorted((a, b) => lengthOf(a) - lengthOf(b) || a - b);
  const pairs: [number, number][] = [];
  for (let at = 0; at + 1 < order.length; at++) {
    const [shorter, longer] = [order[at] as number, order[at + 1] as number];
    if (lengthOf(longer) > ratio * lengthOf(shorter)) continue;
    pairs.push([Math.min(shorter, longer), Math.max(shorter, longer)]);
    at++;
  }
  return pairs;
}
