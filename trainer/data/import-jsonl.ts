import type { DatasetSettings, Row } from '../contract/dataset.ts';
import { UserError } from '../contract/errors.ts';
import { BadLine } from './bad-line.ts';
import { refuseInexactAnswer } from './exact-answer.ts';
import type { JsonLine } from './jsonl.ts';
import { openRowFile, type ScanOptions } from './row-file.ts';
import type { RowList } from './row-list.ts';
import { rowOf } from './row-of.ts';
import { checkGold } from './rows.ts';

/**
 * Rows of a JSONL dataset, in the forms of docs/reference/datasets.md; a row's id is `idPrefix/line`.
 *
 * @throws UserError `file:line: …`
 */
export async function importJsonl(
  file: string,
  settings: DatasetSettings,
  idPrefix: string,
  options?: ScanOptions,
): Promise<RowList> {
  const rows = await openRowFile(file, (line) => readLine(line, settings, idPrefix), options);
  if (rows.length === 0) throw new UserError(`${file}: found no rows; expected one JSON row a line`);
  return rows;
}

/** @throws UserError `file:line: …` */
export function readLine(line: JsonLine, settings: DatasetSettings, idPrefix: string): Row {
  const { place, number, value } = line;
  try {
    refuseInexactAnswer(line, settings.columns?.answer);
    return checkGold(rowOf(value, settings, `${idPrefix}/${number}`), place);
  } catch (error) {
    throw error instanceof BadLine ? new UserError(`${place}: ${error.message}`, { cause: error }) : error;
  }
}
