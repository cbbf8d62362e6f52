import type { DatasetSettings, Row } from '../contract/settings/dataset.ts';
import { UserError } from '../contract/process/errors.ts';
import { BadLine } from './files/bad-line.ts';
import { type Column, columnHint, likelyColumns } from './columns/column-hint.ts';
import { usedColumns } from './columns/columns.ts';
import { refuseInexactAnswer } from './exact-answer.ts';
import type { Fields } from './columns/fields.ts';
import type { JsonLine } from './files/jsonl.ts';
import { LackingColumn } from './columns/lacking-column.ts';
import { openRowFile, type ScanOptions } from './files/row-file.ts';
import type { RowList } from './lists/row-list.ts';
import { rowOf } from './row-of.ts';
import { checkGold } from './rows.ts';

/**
 * Rows of a data file, in the forms of docs/reference/datasets.md; a row's id is `idPrefix/number`, with the number of its line or row.
 *
 * @throws UserError `file:line: …`
 */
export async function importRows(
  file: string,
  settings: DatasetSettings,
  idPrefix: string,
  { further = false, ...options }: ScanOptions & ImportOptions = {},
): Promise<RowList> {
  const isWanted = usedColumns(settings.columns, further);
  const read = (line: JsonLine): Row => readLine(line, settings, idPrefix, { ...options, further });
  const rows = await openRowFile(file, read, { ...options, isWanted });
  if (rows.length === 0) throw new UserError(noRows(file));
  return rows;
}

/** How a row could be read as it is, to follow the message about the column that it lacks. */
export type Advise = (fields: Fields, lacking: Column) => string;

export interface ImportOptions {
  readonly advise?: Advise;
  /** Rows are to have all columns, for functions of one's own. */
  readonly further?: boolean;
}

/** @throws UserError `file:line: …` */
export function readLine(
  line: JsonLine,
  settings: DatasetSettings,
  idPrefix: string,
  { advise, further }: ImportOptions = {},
): Row {
  const { place, number, value } = line;
  try {
    refuseInexactAnswer(line, settings.columns?.answer);
    return checkGold(rowOf(value, settings, `${idPrefix}/${number}`, further), place);
  } catch (error) {
    if (!(error instanceof BadLine)) throw error;
    const advice = error instanceof LackingColumn ? (advise ?? adviceFor(settings))(error.fields, error.column) : '';
    throw new UserError(`${place}: ${error.message}${advice}`, { cause: error });
  }
}

function adviceFor(settings: DatasetSettings): Advise {
  return (fields, lacking) => columnHint(fields, lacking, likelyColumns(settings));
}

/** For a file that is empty. */
export function noRows(file: string): string {
  return `${file}: found no rows, expected at least one`;
}
