import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { z } from 'zod';
import { row, type Row } from '../contract/settings/dataset.ts';
import { DiskFullError, UserError } from '../contract/process/errors.ts';
import { goldProblem } from '../rewards/verify.ts';
import type { JsonLine } from './files/jsonl.ts';
import { openRowFile, type ScanOptions } from './files/row-file.ts';
import type { RowList } from './lists/row-list.ts';

/** Opens the rows that a sample or review stage wrote. @throws UserError `file:line: …` */
export function readRows(file: string, options?: ScanOptions): Promise<RowList> {
  return openRowFile(file, asRow, options);
}

function asRow({ place, value }: JsonLine): Row {
  const parsed = row.safeParse(value);
  if (!parsed.success) throw new UserError(`${place}: ${describeIssue(parsed.error)}`);
  return checkGold(parsed.data, place);
}

/** Writes one row a line, as the rows come. @throws DiskFullError */
export async function writeRows(file: string, rows: Iterable<Row> | AsyncIterable<Row>): Promise<void> {
  async function* lines() {
    for await (const item of rows) yield `${JSON.stringify(item)}\n`;
  }
  try {
    await pipeline(Readable.from(lines()), createWriteStream(file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    throw new DiskFullError(`${file}: no space left on the device`, { cause: error });
  }
}

/** The row itself. @throws UserError if its gold answer cannot be parsed */
export function checkGold(checked: Row, place: string): Row {
  const problem = checked.answer && goldProblem(checked.answer);
  if (problem !== undefined) throw new UserError(`${place}: ${problem}`);
  return checked;
}

/** The first problem, with the path of its field. */
export function describeIssue(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return error.message;
  return issue.path.length === 0 ? issue.message : `${issue.path.join('.')}: ${issue.message}`;
}
