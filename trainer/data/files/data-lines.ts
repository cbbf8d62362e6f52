import { open, stat } from 'node:fs/promises';
import { beginsAsParquet } from '../../contract/files/parquet-magic.ts';
import { type JsonLine, readJsonLines } from './jsonl.ts';
import { type IsWanted, readParquet } from './parquet/read-parquet.ts';

export type { IsWanted } from './parquet/read-parquet.ts';

const sliceMs = 50;

/**
 * Reads a JSONL or Parquet file row by row. A row of a Parquet file comes as the line that a JSONL file would have of it, and
 * is numbered from 1.
 *
 * @param file `-` is stdin, which is JSONL
 * @param isWanted columns of a Parquet file that are read; of the others rows have the names alone
 * @throws UserError as `readJsonLines` and `readParquet`
 */
export async function* readDataLines(file: string, isWanted: IsWanted): AsyncGenerator<JsonLine> {
  if (!(await isParquet(file))) return yield* readJsonLines(file);
  let [number, offset] = [0, 0];
  let sliceStartMs = performance.now();
  for (const text of readParquet(file, isWanted)) {
    const bytes = Buffer.from(text);
    yield { place: `${file}:${++number}`, number, offset, bytes, value: JSON.parse(text) };
    offset += bytes.length;
    if (performance.now() - sliceStartMs < sliceMs) continue;
    // oxlint-disable-next-line no-await-in-loop -- signals are only seen between two turns of the event loop
    await new Promise(setImmediate);
    sliceStartMs = performance.now();
  }
}

/** Whether a file begins as Parquet does; one that cannot be read does not. */
export async function isParquet(file: string): Promise<boolean> {
  if (file === '-' || !(await stat(file).catch(() => undefined))?.isFile()) return false;
  await using opened = await open(file).catch(() => undefined);
  const start = await opened?.read({ buffer: Buffer.alloc(4), position: 0 });
  return start !== undefined && beginsAsParquet(start.buffer);
}
