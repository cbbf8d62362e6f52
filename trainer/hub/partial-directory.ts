import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeDirectory } from '../contract/files/make-directory.ts';

/** A download that nobody has added to for this long belongs to nobody: whoever made it was killed. */
const abandonedMs = 3_600_000;

/**
 * A directory of our own for what is to become `path`: several may make the same thing at once, and one of them is
 * first. What an earlier one has left is gone on with.
 *
 *   <path>.partial              left by one that gave up
 *   <path>.<random>.partial     being written by one, or left by one that was killed
 */
export async function openPartial(path: string): Promise<string> {
  await makeDirectory(dirname(path));
  const own = `${path}.${randomUUID()}.partial`;
  for (const left of await leftBehind(path)) {
    // Of several that try, the file system lets one succeed.
    if (await renamed(left, own)) return own;
  }
  await mkdir(own);
  return own;
}

/** Leaves what there is to the next one. */
export async function leavePartial(own: string, path: string): Promise<void> {
  if (!(await renamed(own, `${path}.partial`))) await rm(own, { recursive: true, force: true });
}

async function leftBehind(path: string): Promise<string[]> {
  const folder = dirname(path);
  const abandoned: string[] = [];
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`${basename(path)}.`) || !name.endsWith('.partial')) continue;
    const left = join(folder, name);
    if (name === `${basename(path)}.partial`) abandoned.unshift(left);
    else if ((await changedAt(left)) < Date.now() - abandonedMs) abandoned.push(left);
  }
  return abandoned;
}

/** When something in a directory was last written. */
async function changedAt(directory: string): Promise<number> {
  const names = await readdir(directory).catch(() => []);
  const times = await Promise.all(
    [directory, ...names.map((name) => join(directory, name))].map((path) =>
      stat(path).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  return Math.max(...times);
}

/** @returns false if the source is gone or the target is there */
export async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}
