import { lookedAt } from '../../contract/settings/file-check.ts';
import { furtherColumns } from './columns.ts';
import { readDataLines } from '../files/data-lines.ts';
import { isRecord } from './fields.ts';

/** The columns that the first rows of a file have for functions of one's own. @throws UserError as `readDataLines` */
export async function firstColumns(file: string): Promise<Set<string>> {
  const names = new Set<string>();
  let rows = 0;
  for await (const { value, offset } of readDataLines(file, () => 'ifReadable')) {
    for (const name of Object.keys(isRecord(value) ? furtherColumns(value) : {})) names.add(name);
    if (++rows >= lookedAt.rows || offset >= lookedAt.bytes) break;
  }
  return names;
}
