import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { UserError } from '../../../contract/process/errors.ts';
import { type Chunk, type RowGroup, readFooter } from './footer.ts';
import { ColumnReader } from './column-reader.ts';
import { DamagedParquet } from './damaged.ts';
import { type IsWanted, RowWriter } from './row-writer.ts';
import { leavesOf, type ParquetNode } from './schema.ts';

export type { IsWanted } from './row-writer.ts';

type ReadBytes = (start: number, end: number) => Uint8Array;

/**
 * Reads the rows of a Parquet file as JSON objects, one after the other. A page of each column is in memory, whatever the
 * size of the row groups.
 *
 * @param isWanted whether a column is read; of the others a row has the names alone
 * @throws UserError `file: …`, or `file:row: …` once rows are read, for a file that is damaged, that claims more than it
 *   has, or whose wanted columns JSON cannot hold
 */
export function* readParquet(file: string, isWanted: IsWanted): Generator<string> {
  const descriptor = openSync(file, 'r');
  let rows = 0;
  try {
    const read: ReadBytes = (start, end) => readWhole(descriptor, start, end);
    const { columns, rowGroups } = readFooter(fstatSync(descriptor).size, read);
    const writer = new RowWriter(columns, isWanted);
    const leaves = leavesOf(columns);
    for (const group of rowGroups) {
      for (const text of rowsOf(group, leaves, writer, read)) {
        yield text;
        rows++;
      }
    }
  } catch (cause) {
    if (!(cause instanceof DamagedParquet)) throw cause;
    throw new UserError(`${file}${rows === 0 ? '' : `:${rows + 1}`}: cannot be read as Parquet: ${cause.message}`, {
      cause,
    });
  } finally {
    closeSync(descriptor);
  }
}

function* rowsOf(
  { rows, chunks }: RowGroup,
  leaves: readonly ParquetNode[],
  writer: RowWriter,
  read: ReadBytes,
): Generator<string> {
  const held = { bytes: 0 };
  const readers: ColumnReader[] = [];
  for (const leaf of writer.leaves) {
    readers[leaf] = new ColumnReader(leaves[leaf] as ParquetNode, chunks[leaf] as Chunk, read, held);
  }
  const used = writer.leaves.map((leaf) => readers[leaf] as ColumnReader);
  for (let row = 0; row < rows; row++) {
    if (used.some(({ entry }) => entry?.repetition !== 0))
      throw new DamagedParquet('found columns of different lengths');
    yield writer.row(readers);
  }
  if (used.some(({ entry }) => entry !== undefined))
    throw new DamagedParquet(`found more than ${rows} rows in a row group`);
}

/** @returns all bytes in [start, end), which the file has, unless somebody makes it shorter meanwhile */
function readWhole(descriptor: number, start: number, end: number): Uint8Array {
  // Of its own: numbers are read at multiples of their size.
  const bytes = new Uint8Array(end - start);
  for (let at = 0; at < bytes.length;) {
    const found = readSync(descriptor, bytes, { offset: at, position: start + at });
    if (found === 0) throw new DamagedParquet('it became shorter while it was read');
    at += found;
  }
  return bytes;
}
