import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../contract/process/errors.ts';
import { foundInstead } from '../../contract/process/found-instead.ts';
import { hashFile } from '../manifest.ts';

const mostFiles = 100_000;

/**
 * SHA-256 of every file in these places: what a chain names is told by what it holds, wherever it lies. Symbolic links within a
 * directory are not followed.
 *
 * @returns paths by SHA-256
 * @throws UserError if a place cannot be read, or has too many files
 */
export async function findMaterials(places: readonly string[]): Promise<Map<string, string>> {
  const files: string[] = [];
  const visit = async (place: string): Promise<void> => {
    const found = await lstat(place);
    if (found.isFile()) files.push(place);
    if (files.length > mostFiles) throw new UserError(`${place}: found more than ${mostFiles} files, expected fewer`);
    if (found.isDirectory()) for (const name of (await readdir(place)).toSorted()) await visit(join(place, name));
  };
  const materials = new Map<string, string>();
  for (const place of places) {
    try {
      await visit(place);
    } catch (cause) {
      if (cause instanceof UserError) throw cause;
      throw new UserError(`${place}: found ${foundInstead(cause)}, expected a file or directory`, { cause });
    }
  }
  for (const path of files) materials.set((await hashFile(path)).sha256, path);
  return materials;
}
