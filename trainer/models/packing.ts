/**
 * Sequences as one list of tokens: what they share stands there once, padding not at all. Everything but attention works
 * on the list; for attention a token's query, key and value are laid out on a grid of rows, padded on the right.
 *
 *   sequences  a b c d · a b e     both begin with the prompt a b
 *   list       a b c d e           T = 5 tokens
 *   places     0 1 2 3 / 0 1 4 0   token of each cell of the grid [2, 4]; of padding any
 *   origins    0 1 2 3 6           the cell whose result a token takes: the first one it stands in
 */
export interface Packing {
  /** `[T]`, at least two: a product with a single row would sum in another order. */
  readonly ids: readonly number[];
  /** Position of each token in its sequences, `[T]`. */
  readonly positions: readonly number[];
  /** `[rows, length]` */
  readonly places: readonly number[];
  /** `[T]` */
  readonly origins: readonly number[];
  /** Sequences. */
  readonly rows: number;
  /** Cells of a row: those of the longest sequence, rounded up. */
  readonly length: number;
}

/** A sequence whose beginning others may have too. */
export interface PackedSequence {
  /** Sequences with equal ids here share these tokens. */
  readonly shared: readonly number[];
  readonly own: readonly number[];
}

/** Positions that a row of the grid has when the longest sequence has this many: vectorised sums over the padding then add the same numbers in the same order. */
export function gridLength(longest: number): number {
  return Math.max(1, Math.ceil(longest / 16)) * 16;
}

export function packSequences(sequences: readonly PackedSequence[]): Packing {
  const rows = sequences.length;
  const length = gridLength(Math.max(...sequences.map(({ shared, own }) => shared.length + own.length)));
  const [ids, positions, origins]: [number[], number[], number[]] = [[], [], []];
  const places = Array.from({ length: rows * length }, () => 0);
  const beginnings = new Map<string, number>();
  const add = (id: number, position: number, cell: number): void => {
    places[cell] = ids.length;
    ids.push(id);
    positions.push(position);
    origins.push(cell);
  };

  for (const [row, { shared, own }] of sequences.entries()) {
    const start = row * length;
    const key = shared.join();
    const known = beginnings.get(key);
    if (known === undefined) {
      beginnings.set(key, ids.length);
      for (const [position, id] of shared.entries()) add(id, position, start + position);
    } else {
      for (let position = 0; position < shared.length; position++) places[start + position] = known + position;
    }
    for (const [index, id] of own.entries()) add(id, shared.length + index, start + shared.length + index);
  }
  while (ids.length < 2) add(0, 0, ids.length); // cells of padding
  return { ids, positions, places, origins, rows, length };
}
