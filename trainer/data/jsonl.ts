import { createReadStream } from 'node:fs';
import { UserError } from '../contract/errors.ts';

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

async function* chunksOf(file: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(file) as AsyncIterable<Buffer>;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const problem = { ENOENT: 'no such file', EISDIR: 'is a directory', EACCES: 'permission denied' }[code ?? ''];
    if (problem === undefined) throw error;
    throw new UserError(`${file}: ${problem}; expected a JSONL file`, { cause: error });
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decode(bytes: Buffer, place: string): string {
  try {
    return utf8.decode(bytes); // drops a byte order mark
  } catch (error) {
    throw new UserError(`${place}: found bytes that are no UTF-8`, { cause: error });
  }
}

/** JSON that is no JSONL is what people have most often. */
function remedy(text: string): string {
  const start = text.trimStart();
  const one = 'expected one JSON object a line';
  if (start.startsWith('[')) return `; found the start of a JSON array, ${one} (jq -c '.[]' FILE makes it)`;
  return start.trimEnd() === '{' ? `; found an object over several lines, ${one} (jq -c . FILE makes it)` : '';
}

function parse(text: string, place: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`${place}: no valid JSON: ${reason.slice(0, 200)}${remedy(text)}`, { cause: error });
  }
}
