import { createHash } from 'node:crypto';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { checkpointManifest, checkpointManifestName } from '../contract/files/checkpoint.ts';
import type { CheckpointManifest } from '../contract/files/checkpoint.ts';
import { UserError } from '../contract/process/errors.ts';
import { type Piece, pieceBytes, readAhead } from './read-ahead.ts';

/** A model in ten thousand files has a manifest of 2 MB. */
const mostManifestBytes = 2 ** 25;

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

  for await (const fault of faultsOfFiles(directory, manifest)) throw new UserError(fault);
  return { manifest, digest: found };
}

/**
 * What differs between the files below a directory and its manifest, a line each that names the file: what needs no reading
 * first. A file of another size is not read.
 */
export async function* faultsOfFiles(directory: string, manifest: CheckpointManifest): AsyncGenerator<string> {
  const listed = new Set(manifest.files.map(({ path }) => path));
  const { files, others } = await listEntries(directory);
  for (const path of others) yield neitherFileNorDirectory(directory, path);
  for (const path of files) {
    if (path !== checkpointManifestName && !listed.has(path))
      yield `${join(directory, path)}: is not in the checkpoint's manifest`;
  }
  const whole = new Set<string>();
  for (const { path, bytes } of manifest.files) {
    const file = await lstat(join(directory, path)).catch(() => undefined);
    if (!file?.isFile()) yield `${join(directory, path)}: is in the checkpoint's manifest, but missing`;
    else if (file.size !== bytes) yield `${join(directory, path)}: has ${file.size} bytes; its manifest says ${bytes}`;
    else whole.add(path);
  }
  for (const { path, sha256 } of manifest.files) {
    if (!whole.has(path)) continue;
    const actual = await hashFile(join(directory, path));
    if (actual.sha256 !== sha256)
      yield `${join(directory, path)}: has SHA-256 ${actual.sha256}; its manifest says ${sha256}`;
  }
}

/** Reads `checkpoint.json` without comparing the files. @throws UserError when it is missing or malformed */
export async function readManifest(directory: string): Promise<{ manifest: CheckpointManifest; digest: string }> {
  const path = join(directory, checkpointManifestName);
  try {
    const bytes = await readWhole(path);
    const { data: manifest, error } = checkpointManifest.safeParse(JSON.parse(bytes.toString('utf8')));
    if (error) throw new Error(describeIssue(error));
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

function describeIssue({ issues: [issue] }: z.ZodError): string {
  return `${issue?.path.join('.') || 'the whole'}: ${issue?.message}`;
}

async function readWhole(path: string): Promise<Buffer> {
  await using file = await open(path, 'r');
  const { size } = await file.stat();
  if (size > mostManifestBytes) throw new Error(`it has ${size} bytes; at most ${mostManifestBytes} are read`);
  return file.readFile();
}

/** Paths of all files below a directory, relative to it, sorted by code unit. */
async function listFiles(directory: string): Promise<string[]> {
  const { files, others } = await listEntries(directory);
  if (others[0] !== undefined) throw new UserError(neitherFileNorDirectory(directory, others[0]));
  return files;
}

function neitherFileNorDirectory(directory: string, path: string): string {
  return `${join(directory, path)}: is neither a file nor a directory`;
}

/** Files, and what is neither a file nor a directory, below a directory. */
async function listEntries(directory: string): Promise<{ files: string[]; others: string[] }> {
  const files: string[] = [];
  const others: string[] = [];
  const visit = async (below: string): Promise<void> => {
    for (const entry of await readdir(join(directory, below), { withFileTypes: true })) {
      const path = below === '' ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) await visit(path);
      else (entry.isFile() ? files : others).push(path);
    }
  };
  await visit('');
  return { files: files.toSorted(), others: others.toSorted() };
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
