import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renderPage } from './page.ts';
import { readRecord } from './read-record.ts';

export const reportName = 'report.html';

/**
 * Writes the report of a pipeline, one file that needs nothing else.
 *
 * @param directory the pipeline's local state, `.r1/<pipeline>`
 * @param path where to write; `report.html` in that directory when absent
 * @returns the path written
 * @throws UserError when the directory holds no pipeline
 */
export async function writeReport(directory: string, path: string = join(directory, reportName)): Promise<string> {
  const page = await renderPage(await readRecord(directory), new Date());
  // A browser that reloads, or a crash, never sees half a page.
  const partial = `${path}.${process.pid}.partial`;
  await writeFile(partial, page);
  await rename(partial, path);
  return path;
}
