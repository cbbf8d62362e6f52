import { mkdir, stat, symlink } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { UserError } from '../../contract/process/errors.ts';
import type { Provenance } from '../../contract/files/provenance.ts';
import type { StageFile } from '../../contract/settings/stage-file.ts';
import { filesOfBase, type ToldFile, toldFiles, withFilesAt } from './told-files.ts';

/**
 * A stage file with every file from outside where it lies here: among the materials if one of them has its SHA-256, else where
 * the stage had it.
 *
 * @param materials paths by SHA-256
 * @param folder gets links to the files of a base model that was found among the materials
 * @throws UserError that names all that is in neither place
 */
export async function placeFiles(
  file: StageFile,
  decided: Provenance,
  { materials, folder }: { readonly materials: ReadonlyMap<string, string>; readonly folder: string },
): Promise<StageFile> {
  const told = toldFiles(file, decided);
  const base = filesOfBase(file, decided);
  const lost = [...(await lostAmong(told, materials)), ...(await lostAmong(base, materials))];
  if (lost.length > 0) {
    const names = lost.map(({ name, path, sha256 }) => `${name} (${path}, SHA-256 ${sha256})`).join('; ');
    throw new UserError(
      `stage ${file.stage}: found what it was made from neither with --materials nor where the stage had it: ${names}`,
    );
  }
  const places = new Map(told.map(({ path, sha256 }) => [path, placeOf(sha256, materials) ?? path]));
  const placed = withFilesAt(file, decided, (path) => places.get(path) ?? path);
  if (base.length === 0 || base.some(({ sha256 }) => !materials.has(sha256))) return placed;
  return { ...placed, model: { path: await linkBase(base, materials, folder) } };
}

function placeOf(sha256: string, materials: ReadonlyMap<string, string>): string | undefined {
  const path = materials.get(sha256);
  return path === undefined ? undefined : resolve(path);
}

async function lostAmong(files: readonly ToldFile[], materials: ReadonlyMap<string, string>): Promise<ToldFile[]> {
  const lost: ToldFile[] = [];
  for (const file of files) if (!materials.has(file.sha256) && !(await isThere(file.path))) lost.push(file);
  return lost;
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/** They may lie under other names, and in more than one directory. */
async function linkBase(
  base: readonly ToldFile[],
  materials: ReadonlyMap<string, string>,
  folder: string,
): Promise<string> {
  const directory = join(folder, 'base');
  await mkdir(directory);
  for (const { path, sha256 } of base) await symlink(resolve(materials.get(sha256)!), join(directory, basename(path)));
  return directory;
}
