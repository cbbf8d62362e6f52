/**
 * Pairs of two lists, place by place.
 *
 * @throws Error if one list is longer: nothing may stand in for what is missing
 */
export function zip<A, B>(left: readonly A[], right: readonly B[]): [A, B][] {
  if (left.length !== right.length) throw new Error(`lists of ${left.length} and ${right.length} do not go together`);
  return left.map((item, at) => [item, right[at] as B]);
}
