/**
 * The most gold items that the items of an answer can stand for, one each, by Kuhn's augmenting paths: what is found does
 * not depend on the order of the answer.
 *
 * @param fits of each item of the answer, the gold items that it can be
 * @returns indices of gold items, ascending
 */
export function matchItems(fits: readonly (readonly number[])[], golds: number): number[] {
  const itemOf: (number | undefined)[] = Array.from({ length: golds });
  const place = (item: number, tried: Set<number>): boolean => {
    for (const gold of fits[item] ?? []) {
      if (tried.has(gold)) continue;
      tried.add(gold);
      const other = itemOf[gold];
      if (other !== undefined && !place(other, tried)) continue;
      itemOf[gold] = item;
      return true;
    }
    return false;
  };
  for (const item of fits.keys()) place(item, new Set());
  return [...itemOf.keys()].filter((gold) => itemOf[gold] !== undefined);
}
