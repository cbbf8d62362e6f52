import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Writes `name.jsonl` in the directory, a row a line. */
export function writeRows(directory: string, name: string, rows: readonly object[]): Promise<void> {
  return writeFile(join(directory, `${name}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
}

/** Data sets of a stage file: those that `writeRows` wrote in the directory under these names. */
export function datasetsIn(directory: string, ...names: readonly string[]): object[] {
  return names.map((name) => ({ name, file: join(directory, `${name}.jsonl`) }));
}
