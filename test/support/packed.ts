/** Packing inputs for full rows that share nothing: the list of tokens is the grid, and every token is picked. */
export function unshared(
  rows: number,
  length: number,
): Record<'positions' | 'places' | 'origins' | 'picked', number[]> {
  const cells = Array.from({ length: rows * length }, (_, cell) => cell);
  return { positions: cells.map((cell) => cell % length), places: cells, origins: cells, picked: cells };
}
