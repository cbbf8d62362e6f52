import { type Dimension, dimension, fixed } from '../graph/shape.ts';
import { type Value, composite } from '../graph/value.ts';
import { gatherRows } from '../ops/indexing.ts';
import { reshape } from '../ops/movement.ts';
import { mergeHeads, splitHeads } from './heads.ts';

/** Where tokens stand on the grid of attention. */
export interface TokenGrid {
  /** `[rows · length]` int64: the token of each cell */
  readonly places: Value;
  /** `[T]` int64: the cell whose result a token takes */
  readonly origins: Value;
  readonly rows: Dimension;
  readonly length: number;
}

/** Keys or values of tokens, `[T, heads, 1, headDim]`, in every cell where they stand: `[rows, heads, length, headDim]`. */
export function toGrid(x: Value, { places, rows, length }: TokenGrid): Value {
  const [tokens, heads, , headDim] = x.shape as [Dimension, number, 1, number];
  const flat = reshape(x, [tokens, heads * headDim]);
  return splitHeads(gatherRows(flat, places), rows, length, heads);
}

/**
 * Queries on the grid, as `toGrid`. Only the cells of origin are read in the end, so the gradient is taken from them alone:
 * a gather instead of a sum over all cells.
 */
export function queriesToGrid(q: Value, grid: TokenGrid): Value {
  const [output] = composite('QueriesToGrid', [q], [toGrid(q, grid)], (g) => {
    if (g === undefined) return [];
    return [reshape(gatherRows(mergeHeads(g, fixed(dimension(grid.places.shape, 0))), grid.origins), q.shape)];
  });
  return output as Value;
}
