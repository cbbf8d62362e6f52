import { type Dimension, dimension, fixed, times } from '../graph/shape.ts';
import { type Value, apply, integers, scalar } from '../graph/value.ts';
import { add, divide, multiply, subtract } from '../ops/elementwise.ts';
import { addRows, gatherRows, zerosLike } from '../ops/indexing.ts';
import { batchedMatmul } from '../ops/linalg.ts';
import { concat, reshape, sizes, transpose } from '../ops/movement.ts';
import { softmax } from '../ops/normalization.ts';

/** Added to the scores of keys that a query must not see. Finite, so that the softmax of any row stays a number. */
export const masked = -1e9;

/** Where the tokens of a list stand in their sequences (see models/packing.ts). */
export interface TokenPlaces {
  /** `[rows, length]` int64: the token of each cell; a row is a sequence, padded on the right */
  readonly places: Value;
  /** `[T]` int64: the cell, row · length + position, whose result a token takes */
  readonly origins: Value;
}

/** Queries at neighbouring positions, with the keys up to their end. */
interface Block {
  /** `[1]` int64 */
  readonly start: Value;
  readonly end: Value;
  /** Positions of the queries, and of the keys. */
  readonly queries: Dimension;
  readonly keys: Dimension;
}

/** With n blocks (n − 1) ÷ 2n of the work on `[length, length]` falls away, and scores are held of one block at a time. */
const blockCount = 4;

/**
 * Tokens laid out by rows and positions, for attention without a kernel of its own: the query heads that share a key head
 * are rows of one product. Queries go in blocks of positions. All sizes are taken from `places` when it runs.
 */
export class AttentionGrid {
  readonly alpha: number;
  readonly blocks: readonly Block[];
  readonly #at: TokenPlaces;
  readonly #rows: Dimension;
  readonly #length: Dimension;
  readonly #kvHeads: number;
  /** Query heads per key head. */
  readonly #group: number;

  /**
   * @param q `[T, heads, headDim]`
   * @param k `[T, kvHeads, headDim]`
   */
  constructor(q: Value, k: Value, at: TokenPlaces) {
    this.#at = at;
    [this.#rows, this.#length] = [dimension(at.places.shape, 0), dimension(at.places.shape, 1)];
    this.#kvHeads = fixed(dimension(k.shape, 1));
    this.#group = fixed(dimension(q.shape, 1)) / this.#kvHeads;
    this.alpha = 1 / Math.sqrt(fixed(dimension(q.shape, 2)));
    const length = gatherRows(sizes(at.places), integers([1]));
    const bound = (index: number): Value => divide(multiply(length, integers([index])), integers([blockCount]));
    this.blocks = Array.from({ length: blockCount }, (_, index) => ({
      start: bound(index),
      end: bound(index + 1),
      queries: `${this.#length}/${blockCount}@${index}`,
      keys: index === blockCount - 1 ? this.#length : `${this.#length}/${blockCount}*${index + 1}`,
    }));
  }

  /** Queries, masked scores and their softmax, `[rows, kvHeads, group · queries, keys]`, of all cells' `q` and `keys`. */
  weights(q: Value, keys: Value, block: Block): { query: Value; scores: Value; p: Value } {
    const query = this.queries(q, block);
    const products = batchedMatmul(query, this.prefix(keys, block), { transB: true, alpha: this.alpha });
    const scores = add(products, this.#causalMask(block));
    return { query, scores, p: softmax(scores) };
  }

  /** From `[T, heads, n]` to `[rows, heads, length, n]`. */
  cells(x: Value): Value {
    return transpose(gatherRows(x, this.#at.places), [0, 2, 1, 3]);
  }

  /** As `cells`, but with zeros in the cells of which no token takes the result. */
  put(x: Value): Value {
    const { places, origins } = this.#at;
    const token = x.shape.slice(1);
    const sized = (cells: Value): Value => concat([sizes(cells), integers(token.map(fixed))], 0);
    const flat = this.#flat(places);
    const empty = apply('ConstantOfShape', [sized(flat)], { shape: [...flat.shape, ...token] });
    const full = addRows(empty, { rows: origins, updates: x });
    const byRow = apply('Reshape', [full, sized(places)], { shape: [...places.shape, ...token] });
    return transpose(byRow, [0, 2, 1, 3]);
  }

  /** The block's rows of cells `[rows, heads, length, n]`: `[rows, kvHeads, group · queries, n]`. */
  queries(cells: Value, { start, end, queries }: Block): Value {
    const [heads, n] = [dimension(cells.shape, 1), dimension(cells.shape, 3)];
    const rows = sliceOf(cells, start, end, [this.#rows, heads, queries, n]);
    return reshape(rows, [this.#rows, this.#kvHeads, times(queries, this.#group), n]);
  }

  /** The keys that a block sees, `[rows, kvHeads, keys, n]`. */
  prefix(x: Value, { end, keys }: Block): Value {
    const [rows, heads, , n] = x.shape as [Dimension, Dimension, Dimension, Dimension];
    return keys === this.#length ? x : sliceOf(x, integers([0]), end, [rows, heads, keys, n]);
  }

  /** Adds what the blocks before have given, `sum`, to what one has: `[rows, kvHeads, keys, n]` of its keys. */
  onto(sum: Value | undefined, x: Value, { start, end }: Block): Value {
    if (sum === undefined) return x;
    const before = add(sliceOf(x, integers([0]), start, sum.shape), sum);
    const shape = x.shape.map((size, axis) => (axis === 2 ? 'own' : size));
    return joined([before, sliceOf(x, start, end, shape)], x.shape);
  }

  /** What each token takes of the blocks' `[rows, kvHeads, group · queries, n]`: `[T, heads, n]`. */
  take(blocks: readonly Value[]): Value {
    const heads = this.#kvHeads * this.#group;
    const n = dimension((blocks[0] as Value).shape, 3);
    const byHead = blocks.map((x, index) => reshape(x, [this.#rows, heads, this.blocks[index]?.queries ?? 0, n]));
    const cells = joined(byHead, [this.#rows, heads, this.#length, n]);
    return gatherRows(this.#flat(transpose(cells, [0, 2, 1, 3])), this.#at.origins);
  }

  /** The sum over all cells of a token: from `[rows, kvHeads, length, n]` to the shape of `like`. */
  sumCells(x: Value, like: Value): Value {
    const updates = this.#flat(transpose(x, [0, 2, 1, 3]));
    return addRows(zerosLike(like), { rows: this.#flat(this.#at.places), updates });
  }

  /** Rows and positions as one axis. */
  #flat(x: Value): Value {
    return reshape(x, [`${this.#rows}*${this.#length}`, ...x.shape.slice(2)]);
  }

  /** 0 where key ≤ query, `[group · queries, keys]`. Computed: as a constant it would end with the size of files. */
  #causalMask({ start, end, queries, keys }: Block): Value {
    const shape = [queries, keys];
    const all = apply('Expand', [scalar(masked), concat([subtract(end, start), end], 0)], { shape });
    const diagonal = reshape(add(start, integers([1])), []);
    const mask = apply('Trilu', [all, diagonal], { shape }, { attributes: { upper: 1 } });
    const copies = Array.from({ length: this.#group }, () => mask);
    return apply('Concat', copies, { shape: [times(queries, this.#group), keys] }, { attributes: { axis: 0 } });
  }
}

/** Positions `start … end − 1` of the third axis. */
function sliceOf(x: Value, start: Value, end: Value, shape: Value['shape']): Value {
  return apply('Slice', [x, start, end, integers([2])], { shape });
}

/** Parts one behind the other on the third axis. */
function joined(parts: readonly Value[], shape: Value['shape']): Value {
  return apply('Concat', parts, { shape }, { attributes: { axis: 2 } });
}
