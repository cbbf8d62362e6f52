import { open, rename, rm } from 'node:fs/promises';
import { soleWriter, type Writer } from '../contract/files/directory-lock.ts';
import { partialOf } from './partials.ts';

/**
 * Replaces a file as a whole, by a text or its parts: after a crash at any moment it has its old content or the new one.
 *
 * @throws AnotherWriterError, and leaves the file as it is, if `writer` has lost its directory
 */
export async function replaceFile(
  path: string,
  content: string | Iterable<string>,
  writer: Writer = soleWriter,
): Promise<void> {
  const partial = partialOf(path);
  try {
    await using file = await open(partial, 'w');
    await file.writeFile(content);
    await file.sync();
    await writer.check();
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** As `replaceFile`, with content that `write` puts into the file whose path it is given. */
export async function replaceFileBy(path: string, write: (partial: string) => Promise<void>): Promise<void> {
  const partial = partialOf(path);
  try {
    await write(partial);
    await using file = await open(partial, 'r+');
    await file.sync();
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}
