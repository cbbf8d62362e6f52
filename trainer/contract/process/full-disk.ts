import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DiskFullError } from './errors.ts';

/** Whether the system refused a write for want of space, or of quota. */
export function isDiskFull(error: unknown): boolean {
  const { code } = (error ?? {}) as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/**
 * Runs a write and turns "no space left" (also a spent quota) into a DiskFullError that says what was to be written.
 *
 * @param path file or directory that is written
 * @param bytes size of what is written, when it is known
 */
export async function namingFullDisk<T>(path: string, bytes: number | undefined, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    const free = await freeBytes(path);
    const figures = bytes === undefined ? `${free} bytes are free` : `${bytes} bytes are needed, ${free} are free`;
    throw new DiskFullError(`${path}: no space left on the device: ${figures}`, { cause: error });
  }
}

/** Of the file system that holds the path, or would hold it. */
async function freeBytes(path: string): Promise<string> {
  try {
    const { bavail, bsize } = await statfs(path);
    return String(bavail * bsize);
  } catch {
    const above = dirname(path);
    return above === path ? 'an unknown number' : freeBytes(above);
  }
}
