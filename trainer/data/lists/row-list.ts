import type { Row } from '../../contract/settings/dataset.ts';

/**
 * Rows by their place, 0 … length − 1: an array, or a file of which only the places of the lines are in memory. Reading
 * a row twice gives equal rows.
 */
export type RowList = Pick<readonly Row[], 'length' | 'at'> & Iterable<Row>;

/** Rows that are read or made when they are asked for. */
export function rowsAt(length: number, at: (place: number) => Row): RowList {
  return {
    length,
    at: (place) => (place < length ? at(place) : undefined),
    *[Symbol.iterator]() {
      for (let place = 0; place < length; place++) yield at(place);
    },
  };
}

/** The rows at some places of others, in the order of the places. */
export function pickRows(
  rows: RowList,
  places: { readonly length: number; at(index: number): number | undefined },
): RowList {
  return rowsAt(places.length, (index) => rows.at(places.at(index) as number) as Row);
}

/** At most `count` rows, from the first on. */
export function firstRows(rows: RowList, count: number): RowList {
  return rowsAt(Math.min(count, rows.length), (place) => rows.at(place) as Row);
}

/** One after the other. */
export function joinRows(parts: readonly RowList[]): RowList {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  let length = 0;
  const ends = parts.map((part) => (length += part.length));
  return rowsAt(length, (place) => {
    const index = ends.findIndex((end) => place < end);
    const part = parts[index] as RowList;
    return part.at(place - ((ends[index] as number) - part.length)) as Row;
  });
}
