import { createHash } from 'node:crypto';
import { lstat, open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointManifest, checkpointManifestName } from '../contract/checkpoint.ts';
import type { CheckpointManifest } from '../contract/checkpoint.ts';
import { UserError } from '../contract/errors.ts';
import { type Piece, pieceBytes, readAhead } from './read-ahead.ts';

export type ManifestFile = CheckpointManifest['files'][number];

/**
 * Every file below a directory but its manifest, sorted by path, with size and SHA-256.
 *
 * @throws UserError for anything that is neither a file nor a directory: the target of a link is no part of a checkpoint
 */
export async function describeFiles(directory: string): Promise<ManifestFile[]> {
  const files: ManifestFile[] = [];
  for (const path of await listFiles(directory)) {
    if (path !== checkpointManifestName) files.push({ path, ...(await hashFile(join(directory, path))) });
  }
  return files;
}

/**
 * Reads the manifest of a checkpoint and compares every file with it.
 *
 * @param digest SHA-256 that `checkpoint.json` must have; not compared when absent
 * @throws UserError that says which file is wrong, and how
 */
export async function verifyCheckpoint(
  directory: string,
  digest?: string,
): Promise<{ manifest: CheckpointManifest; digest: string }> {
  const { manifest, digest: found } = await readManifest(directory);
  if (digest !== undefined && digest !== found)
    throw new UserError(`${join(directory, checkpointManifestName)}: has digest ${found}, but ${digest} is pinned`);

  const listed = new Map(manifest.files.map((file) => [file.path, file]));
  for (const path of await listFiles(directory)) {
    if (path !== checkpointManifestName && !listed.has(path))
      throw new UserError(`${join(directory, path)}: is not in the checkpoint's manifest`);
  }
  for (const { path, bytes } of manifest.files) {
    const file = await lstat(join(directory, path)).catch(() => undefined);
    if (!file?.isFile()) throw new UserError(`${join(directory, path)}: is in the checkpoint's manifest, but missing`);
    if (file.size !== bytes)
      throw new UserError(`${join(directory, path)}: has ${file.size} bytes; its manifest says ${bytes}`);
  }
  for (const { path, sha256 } of manifest.files) {
    const actual = await hashFile(join(directory, path));
    if (actual.sha256 !== sha256)
      throw new UserError(`${join(directory, path)}: has SHA-256 ${actual.sha256}; its manifest says ${sha256}`);
  }
  return { manifest, digest: found };
}

/** Reads `checkpoint.json` without comparing the files. @throws UserError when it is missing or malformed */
export async function readManifest(directory: string): Promise<{ manifest: CheckpointManifest; digest: string }> {
  const path = join(directory, checkpointManifestName);
  try {
    const bytes = await readFile(path);
    const manifest = checkpointManifest.parse(JSON.parse(bytes.toString('utf8')));
    for (const file of manifest.files) {
      // Absolute paths and `..` would leave the directory.
      if (file.path.split('/').some((part) => ['', '.', '..'].includes(part)))
        throw new Error(`the path ${JSON.stringify(file.path)} is not inside the checkpoint`);
    }
    return { manifest, digest: createHash('sha256').update(bytes).digest('hex') };
  } catch (cause) {
    throw new UserError(`${path}: is not a checkpoint manifest: ${(cause as Error).message}`, { cause });
  }
}

/** Paths of all files below a directory, relative to it, sorted by code unit. */
async function listFiles(directory: string): Promise<string[]> {
  const paths: string[] = [];
  const visit = async (below: string): Promise<void> => {
    for (const entry of await readdir(join(directory, below), { withFileTypes: true })) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) await visit(path);
      else if (entry.isFile()) paths.push(path);
      else throw new UserError(`${join(directory, path)}: is neither a file nor a directory`);
    }
  };
  await visit('');
  return paths.toSorted();
}

/** Size and SHA-256 of a file's content. */
export async function hashFile(path: string): Promise<{ bytes: number; sha256: string }> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  const hash = createHash('sha256');
  const ended = () => new UserError(`${path}: became shorter while it was read`);
  for await (const { bytes } of readAhead(file, inTwoBuffers(size), ended)) hash.update(bytes);
  return { bytes: size, sha256: hash.digest('hex') };
}

function* inTwoBuffers(size: number): Generator<Piece> {
  const length = Math.min(size, pieceBytes);
  const buffers = [new Uint8Array(length), new Uint8Array(length)];
  for (let position = 0; position < size; position += length) {
    const buffer = buffers[(position / length) % 2]!;
    yield { bytes: buffer.subarray(0, size - position), position };
  }
}
