/** As many as there may be lanes. One lane alone keeps a partial sum for each level of the tree besides the one that it adds to. */
const leafCount = 8;

/** Micro-batches as the leaves of a tree: neighbours, about as many in each. Of fewer than there are leaves some leaves have none. */
export function leavesOf<P>(parts: readonly P[]): P[][] {
  return sharesOf(parts, leafCount);
}

interface TreeOf<Leaf, Sum> {
  readonly sumOf: (leaf: Leaf) => Promise<Sum | undefined>;
  /** May change both. */
  readonly add: (left: Sum, right: Sum) => Promise<Sum>;
}

/**
 * The sum of the leaves over a complete binary tree, from left to right; undefined where no leaf has one. A lane's leaves are those of one node, so that the
 * lanes' sums, added in the same way, have the bits of one lane.
 */
export async function sumOfTree<Leaf, Sum>(leaves: readonly Leaf[], tree: TreeOf<Leaf, Sum>): Promise<Sum | undefined> {
  if (leaves.length === 1) return tree.sumOf(leaves[0] as Leaf);
  const middle = leaves.length / 2;
  const left = await sumOfTree(leaves.slice(0, middle), tree);
  const right = await sumOfTree(leaves.slice(middle), tree);
  if (left === undefined || right === undefined) return left ?? right;
  return tree.add(left, right);
}

/**
 * Sums that are there at a time while leaves are added, the one that is added to included.
 *
 * @param sizes micro-batches of each leaf
 */
export function partialSums(sizes: readonly number[]): number {
  if (sizes.length <= 1) return (sizes[0] ?? 0) > 0 ? 1 : 0;
  const middle = sizes.length / 2;
  const [left, right] = [partialSums(sizes.slice(0, middle)), partialSums(sizes.slice(middle))];
  return left === 0 ? right : Math.max(left, 1 + right);
}

/** The consecutive items that each of several lanes takes. */
export function sharesOf<T>(items: readonly T[], lanes: number): T[][] {
  const start = (lane: number) => Math.floor((lane * items.length) / lanes);
  return Array.from({ length: lanes }, (_, lane) => items.slice(start(lane), start(lane + 1)));
}
