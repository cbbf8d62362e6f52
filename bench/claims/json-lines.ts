import { writeFile } from 'node:fs/promises';

/** Writes a row a line. @returns the file */
export async function writeJsonLines(file: string, rows: readonly object[]): Promise<string> {
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return file;
}
