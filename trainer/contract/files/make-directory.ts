import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Makes a directory and those above it. Node's own recursive mkdir tries for ever where a file system takes no new directory and
 * says ENOENT: in /proc, and in a working directory that was removed.
 *
 * @throws the error of the system, such as ENOTDIR or EACCES
 */
export async function makeDirectory(path: string): Promise<void> {
  if (await isDirectory(path)) return;
  const parent = dirname(path);
  if (parent !== path) await makeDirectory(parent);
  await makeWithin(path);
}

/**
 * Makes a directory within one that must be there, if it is not there itself. What an attempt writes is made so: a newer
 * attempt may have closed its directory, which must not come into being again.
 *
 * @throws the error of the system, such as ENOENT or ENOTDIR
 */
export async function makeWithin(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && (await isDirectory(path))) return;
    throw error;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return false;
    throw error;
  }
}
