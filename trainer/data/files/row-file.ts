import { closeSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { Row } from '../../contract/settings/dataset.ts';
import { UserError } from '../../contract/process/errors.ts';
import { type IsWanted, isParquet, readDataLines } from './data-lines.ts';
import { type JsonLine, parseJsonLine } from './jsonl.ts';
import { NumberList } from '../lists/number-list.ts';
import { RefusedRows } from '../refused-rows.ts';
import { type RowList, rowsAt } from '../lists/row-list.ts';
import { Spool } from './spool.ts';

/** Turns a line into a row; a function of the line alone. @throws UserError `file:line: …` */
export type ReadLine = (line: JsonLine) => Row;

export interface ScanOptions {
  /** Columns of a Parquet file that rows are made of; all when absent. */
  readonly isWanted?: IsWanted;
  /** Called with every row, in order. */
  readonly onRow?: (row: Row, place: number) => void;
  /** Called now and then; may throw to end a scan that nobody wants any more. */
  readonly onActivity?: () => void;
}

/** Rows between two calls of `onActivity`: some milliseconds. */
const activityRows = 256;

/**
 * Opens a JSONL or Parquet file as rows. All of it is read and checked once; what stays in memory is where each line lies, 32
 * bytes a row whatever its length, and a row is read again when it is asked for: of a Parquet file from a spool, as pages
 * cannot be read in any order.
 *
 * The file stays open while its rows are in use, so that a new one may take its name. One whose content was written over
 * is refused: it would not be what was checked.
 *
 * @throws UserError `file:line: …`, with how many other rows are refused, and where the next of them are
 */
export async function openRowFile(file: string, readLine: ReadLine, options: ScanOptions = {}): Promise<RowList> {
  const [numbers, offsets, lengths, checksums] = Array.from({ length: 4 }, () => new NumberList()) as [
    NumberList,
    NumberList,
    NumberList,
    NumberList,
  ];
  const spool = (await isParquet(file)) ? new Spool() : undefined;
  const refused = new RefusedRows();
  const rowOf = (line: JsonLine): Row | undefined => {
    try {
      return readLine(line);
    } catch (error) {
      refused.add(error, line.number);
      return undefined;
    }
  };
  try {
    for await (const line of readDataLines(file, options.isWanted ?? every)) {
      spool?.write(line.bytes);
      if (line.number % activityRows === 1) options.onActivity?.();
      const row = rowOf(line);
      if (row === undefined) continue;
      options.onRow?.(row, offsets.length);
      numbers.push(line.number);
      offsets.push(line.offset);
      lengths.push(line.bytes.length);
      checksums.push(crc32(line.bytes));
    }
    refused.throwIfAny();
    spool?.flush();
  } catch (error) {
    spool?.close();
    // A line that is no JSON ends the reading, behind rows that were refused.
    if (error instanceof UserError) refused.throwIfAny();
    throw error;
  }
  if (offsets.length === 0) {
    spool?.close();
    return rowsAt(0, unreachable);
  }

  const open = { descriptor: spool?.descriptor ?? openSync(file, 'r') };
  openFiles.register(open, open.descriptor);
  return rowsAt(offsets.length, (index) => {
    const number = numbers.at(index) as number;
    const place = `${file}:${number}`;
    const bytes = Buffer.allocUnsafe(lengths.at(index) as number);
    const offset = offsets.at(index) as number;
    const found = readSync(open.descriptor, bytes, { position: offset });
    if (found < bytes.length || crc32(bytes) !== checksums.at(index)) {
      throw new UserError(`${place}: was changed since the stage read it; expected a file that stays as it is`);
    }
    return readLine({ place, number, offset, bytes, value: parseJsonLine(bytes, place) });
  });
}

/** Nobody owns the rows of a dataset; their file is closed once nobody has them. */
const openFiles = new FinalizationRegistry<number>(closeSync);

function unreachable(): never {
  throw new Error('an empty file has no row');
}

function every(): boolean {
  return true;
}
