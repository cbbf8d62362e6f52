import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DiskFullError } from '../contract/errors.ts';

/**
 * Runs a write and turns "no space left" (also a spent quota) into a DiskFullError that says what was to be written.
 *
 * @param bytes size of what is written, when it is known
 */
export async function namingFullDisk<T>(path: string, bytes: number | undefined, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
    const needed = bytes === undefined ? '' : `: ${bytes} bytes are needed`;
    throw new DiskFullError(`${path}: no space left on the device${needed}, ${await freeBytes(path)} are free`, {
      cause: error,
    });
  }
}

async function freeBytes(path: string): Promise<string> {
  try {
    const { bavail, bsize } = await statfs(dirname(path));
    return String(bavail * bsize);
  } catch {
    return 'an unknown number';
  }
}
