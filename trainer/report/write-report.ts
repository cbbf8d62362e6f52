import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { namingFullDisk } from '../contract/process/full-disk.ts';
import { renderPage } from './page.ts';
import { readRecord } from './read-record.ts';

const reportName = 'report.html';

/**
 * Writes the report of a pipeline, one file that needs nothing else.
 *
 * @param directory the pipeline's local state, `.r1/<pipeline>`
 * @param path where to write; `report.html` in that directory when absent
 * @returns the path written
 * @throws UserError when the directory holds no pipeline; DiskFullError after removing what was half-written
 */
export async function writeReport(directory: string, path: string = join(directory, reportName)): Promise<string> {
  const page = await renderPage(await readRecord(directory), new Date());
  // A browser that reloads, or a crash, never sees half a page.
  const partial = `${path}.${process.pid}.partial`;
  try {
    await namingFullDisk(path, Buffer.byteLength(page), () => writeFile(partial, page));
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  return path;
}
