import { open, rename, rm } from 'node:fs/promises';

/** Replaces a file as a whole, by a text or its parts: after a crash at any moment it has its old content or the new one. */
export async function replaceFile(path: string, content: string | Iterable<string>): Promise<void> {
  const partial = `${path}.partial`;
  try {
    await using file = await open(partial, 'w');
    await file.writeFile(content);
    await file.sync();
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** As `replaceFile`, with content that `write` puts into the file whose path it is given. */
export async function replaceFileBy(path: string, write: (partial: string) => Promise<void>): Promise<void> {
  const partial = `${path}.partial`;
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
