import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { UserError } from '../process/errors.ts';
import { foundInstead } from '../process/found-instead.ts';

/**
 * Opens a file that somebody else made.
 *
 * @throws UserError for anything but a regular file that can be read: the open of a named pipe would wait for ever
 */
export async function openInput(path: string): Promise<FileHandle> {
  try {
    if (!(await stat(path)).isFile()) throw new Error('no regular file');
    return await open(path, 'r');
  } catch (cause) {
    throw new UserError(`${path}: cannot be read: found ${foundInstead(cause)}`, { cause });
  }
}

/**
 * Reads a JSON object that somebody else wrote.
 *
 * @param mostBytes a larger file is refused before it is read
 * @returns undefined where there is no such file
 * @throws UserError with the path
 */
export async function readJsonObject(path: string, mostBytes: number): Promise<Record<string, unknown> | undefined> {
  const text = await readInputText(path, mostBytes);
  return text === undefined ? undefined : parseJsonObject(text, path);
}

/** Text of a file of at most so many bytes; undefined where there is none. @throws UserError with the path */
export async function readInputText(path: string, mostBytes: number): Promise<string | undefined> {
  if (await isMissing(path)) return undefined;
  await using file = await openInput(path);
  const { size } = await file.stat();
  if (size > mostBytes) throw new UserError(`${path}: has ${size} bytes; at most ${mostBytes} are read`);
  return file.readFile('utf8');
}

/** @param source the file, for the message */
export function parseJsonObject(text: string, source: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new UserError(`${source}: is not JSON: ${(cause as Error).message.slice(0, 200)}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UserError(`${source}: is not a JSON object`);
  return value as Record<string, unknown>;
}

async function isMissing(path: string): Promise<boolean> {
  return stat(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  );
}
