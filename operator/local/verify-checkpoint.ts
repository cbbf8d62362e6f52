import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { isAbsolute, join, normalize } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { checkpointManifest, checkpointManifestName } from '../../trainer/contract/files/checkpoint.ts';

/**
 * Why a checkpoint cannot be handed on; nothing if it can.
 *
 * @param digest SHA-256 of its `checkpoint.json`
 */
export async function checkpointProblem(directory: string, digest: string): Promise<string | undefined> {
  const path = join(directory, checkpointManifestName);
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (error) {
    return `${path}: ${(error as Error).message}`;
  }
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== digest) return `${path}: found digest ${found}, expected ${digest}`;

  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    return `${path}: ${(error as Error).message}`;
  }
  const manifest = checkpointManifest.safeParse(json);
  if (!manifest.success) return `${path}: ${manifest.error.issues[0]?.message ?? 'is no checkpoint manifest'}`;
  if (!manifest.data.final) return `${path}: is the checkpoint of an unfinished stage`;
  for (const file of manifest.data.files) {
    const problem = await fileProblem(directory, file);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

async function fileProblem(
  directory: string,
  file: { readonly path: string; readonly bytes: number; readonly sha256: string },
): Promise<string | undefined> {
  if (isAbsolute(file.path) || normalize(file.path).startsWith('..'))
    return `${file.path}: lies outside the checkpoint`;
  const path = join(directory, file.path);
  const size = await stat(path).then(
    (found) => found.size,
    () => undefined,
  );
  if (size === undefined) return `${path}: is missing`;
  if (size !== file.bytes) return `${path}: found ${size} bytes, expected ${file.bytes}`;
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  const found = hash.digest('hex');
  return found === file.sha256 ? undefined : `${path}: found digest ${found}, expected ${file.sha256}`;
}
