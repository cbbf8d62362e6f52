import { expect, test } from '@jest/globals';
import { leavesOf, partialSums, sharesOf, sumOfTree } from '../../../trainer/engine/device/gradient-tree.ts';

const add = async (left: string, right: string) => `(${left} + ${right})`;

/** How a sum of so many micro-batches is put together, as brackets. */
async function brackets(microBatches: number, lanes: number): Promise<string | undefined> {
  const leaves = leavesOf(Array.from({ length: microBatches }, (_, index) => index));
  const ofLanes = sharesOf(leaves, lanes).map(async (ofLane) =>
    sumOfTree(ofLane, { sumOf: async (leaf) => (leaf.length > 0 ? leaf.join(' ') : undefined), add }),
  );
  return sumOfTree(await Promise.all(ofLanes), { sumOf: async (sum) => sum, add });
}

test.each([
  [1, '0'],
  [2, '(0 + 1)'],
  [3, '(0 + (1 + 2))'],
  [4, '((0 + 1) + (2 + 3))'],
  [6, '((0 + (1 + 2)) + (3 + (4 + 5)))'],
  [9, '(((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7 8)))'],
])('%i micro-batches are added as %s, whatever the number of lanes', async (microBatches, expected) => {
  for (const lanes of [1, 2, 4, 8]) expect([lanes, await brackets(microBatches, lanes)]).toEqual([lanes, expected]);
});

/** Memory that is taken for sums where each takes the place of one that is wanted no more, if there is one. */
async function memoriesFor(sizes: readonly number[]): Promise<number> {
  let [taken, free] = [0, 0];
  await sumOfTree(sizes, {
    sumOf: async (size) => {
      if (size === 0) return undefined;
      if (free > 0) free--;
      else taken++;
      return size;
    },
    add: async (left) => {
      free++;
      return left;
    },
  });
  return taken;
}

test.each([1, 2, 4, 8])('of %i lanes it is known how many sums each keeps at a time', async (lanes) => {
  for (let microBatches = 0; microBatches < 20; microBatches++) {
    const leaves = leavesOf(Array.from({ length: microBatches })).map(({ length }) => length);
    for (const sizes of sharesOf(leaves, lanes)) {
      // oxlint-disable-next-line no-await-in-loop
      expect([sizes, partialSums(sizes)]).toEqual([sizes, await memoriesFor(sizes)]);
    }
  }
});
