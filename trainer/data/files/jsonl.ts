import { createReadStream, type ReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { UserError } from '../../contract/process/errors.ts';
import { foundInstead } from '../../contract/process/found-instead.ts';
import { otherFormat, remedyFor } from './other-formats.ts';

/** Longer lines are refused before they fill the memory. */
const maxLineBytes = 16 * 2 ** 20;

/** One parsed line. */
export interface JsonLine {
  /** `file:line`, for messages. */
  readonly place: string;
  /** Counted from 1, blank lines included. */
  readonly number: number;
  /** Where the line begins in the file, in bytes. */
  readonly offset: number;
  /** The line without its end. */
  readonly bytes: Buffer;
  readonly value: unknown;
}

/**
 * Reads a JSONL file line by line; blank lines are skipped.
 *
 * @param file `-` is stdin
 *
 * @throws UserError `file:line: …` for a line that is too long, no UTF-8 or no JSON, and for a file that cannot be opened
 */
export async function* readJsonLines(file: string): AsyncGenerator<JsonLine> {
  let number = 0;
  let offset = 0;
  for await (const bytes of readLines(file)) {
    const place = `${file}:${++number}`;
    const text = decode(bytes, place);
    if (text.trim() !== '') yield { place, number, offset, bytes, value: parse(text, place) };
    offset += bytes.length + 1;
  }
}

/** The value of a line's bytes. @throws UserError `place: …` */
export function parseJsonLine(bytes: Buffer, place: string): unknown {
  return parse(decode(bytes, place), place);
}

async function* readLines(file: string): AsyncGenerator<Buffer> {
  let number = 1;
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  for await (const chunk of chunksOf(file)) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      yield Buffer.concat([...pending, chunk.subarray(start, end)]);
      pending = [];
      pendingBytes = 0;
      number++;
      start = end + 1;
    }
    pending.push(chunk.subarray(start));
    pendingBytes += chunk.length - start;
    if (pendingBytes > maxLineBytes) {
      throw new UserError(
        `${file}:${number}: the line is longer than ${maxLineBytes} bytes; expected one JSON row a line`,
      );
    }
  }
  if (pendingBytes > 0) yield Buffer.concat(pending);
}

async function openFile(file: string): Promise<ReadStream> {
  const found = await stat(file);
  // A named pipe would be waited for, for ever; a directory says so itself.
  if (!found.isFile() && !found.isDirectory())
    throw new UserError(`${file}: found no regular file, expected a JSONL or Parquet file`);
  return createReadStream(file);
}

async function* chunksOf(file: string): AsyncGenerator<Buffer> {
  let isStart = true;
  try {
    for await (const chunk of (file === '-' ? process.stdin : await openFile(file)) as AsyncIterable<Buffer>) {
      const other = isStart ? otherFormat(chunk) : undefined;
      if (other !== undefined) throw new UserError(`${file}: found ${other}`);
      isStart = false;
      yield chunk;
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw new UserError(`${file}: found ${foundInstead(error)}, expected a JSONL or Parquet file`, { cause: error });
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decode(bytes: Buffer, place: string): string {
  try {
    return utf8.decode(bytes); // drops a byte order mark
  } catch (error) {
    const expected = 'JSONL in UTF-8 (iconv -f ENCODING -t UTF-8 FILE)';
    throw new UserError(`${place}: found bytes that are no UTF-8; expected ${expected}`, { cause: error });
  }
}

function parse(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`${place}: no valid JSON: ${reason.slice(0, 200)}${remedyFor(text)}`, { cause: error });
  }
}
