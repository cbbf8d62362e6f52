import { createReadStream } from 'node:fs';
import type { Place } from './place-table.ts';

/** A line of a file, without its end. */
export interface PlacedLine extends Place {
  readonly text: string;
  /** It has an end; one that a crash has cut has none. */
  readonly isWhole: boolean;
}

/** The lines of a file, read piece by piece; none of a file that is not there. */
export async function* placedLines(path: string): AsyncGenerator<PlacedLine> {
  let pending: Buffer[] = [];
  let offset = 0;
  const take = (end: Buffer, isWhole: boolean): PlacedLine => {
    const bytes = Buffer.concat([...pending, end]);
    const line = { text: bytes.toString(), offset, length: bytes.length, isWhole };
    offset += bytes.length + 1;
    pending = [];
    return line;
  };
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 }) as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
        yield take(chunk.subarray(start, end), true);
        start = end + 1;
      }
      if (start < chunk.length) pending.push(chunk.subarray(start));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  if (pending.length > 0) yield take(Buffer.alloc(0), false);
}
